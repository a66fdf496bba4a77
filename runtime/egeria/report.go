package egeria

import "cmp"

// Kind is the kind of an item of an archive.
type Kind string

// The kinds of items. A classification may be part of its element or stand by itself.
const (
	KindArchive        Kind = "archive"
	KindType           Kind = "type"
	KindPatch          Kind = "patch"
	KindElement        Kind = "element"
	KindClassification Kind = "classification"
	KindRelationship   Kind = "relationship"
)

// Kinds returns the kinds of items, in the order in which they are applied.
func Kinds() []Kind {
	return []Kind{KindType, KindPatch, KindElement, KindClassification, KindRelationship}
}

// Outcome says whether an item is taken.
type Outcome string

// The outcomes.
const (
	// Taken items are in the repository, or will be.
	Taken Outcome = "taken"
	// Skipped items need not be taken: they are deleted, or occur twice.
	Skipped Outcome = "skipped"
	// Refused items cannot be taken.
	Refused Outcome = "refused"
	// found items have no outcome yet.
	found Outcome = ""
)

// Finding is an entry of a [Report] about one item.
type Finding struct {
	Outcome       Outcome `json:"outcome"`
	Kind          Kind    `json:"kind"`
	GUID          string  `json:"guid,omitempty"`
	QualifiedName string  `json:"qualifiedName,omitempty"`
	Type          string  `json:"type,omitempty"`
	Where         Place   `json:"where"`
	Reason        string  `json:"reason"`
	// Missing is the element that the item refers to, if neither the archive nor the
	// repository has it.
	Missing Stub `json:"missing,omitzero"`
}

// String returns the place and name of the item, and what is wrong with it.
func (f Finding) String() string {
	text := f.Where.String() + ": "
	if f.Kind != KindArchive {
		text += string(f.Kind) + " "
		if name := cmp.Or(f.QualifiedName, f.GUID); name != "" {
			text += name + " "
		}
		if f.Type != "" && f.Type != f.QualifiedName {
			text += "(" + f.Type + ") "
		}
		text += string(f.Outcome) + ": "
	}
	return text + f.Reason
}

// Count is how many items of a kind an archive has, by outcome. Found may be more than
// the sum of the others if the archive is broken.
type Count struct {
	Found   int `json:"found"`
	Taken   int `json:"taken"`
	Skipped int `json:"skipped"`
	Refused int `json:"refused"`
}

// Report says which items of an archive are taken.
type Report struct {
	Header Header         `json:"header"`
	Counts map[Kind]Count `json:"counts"`
	// Findings are the items that are not taken, in the order in which they are found.
	Findings []Finding `json:"findings,omitempty"`
	// Omitted is how many findings the report has no room for.
	Omitted int `json:"omitted,omitzero"`
	// Lost is how many of the taken items have something that no command can carry.
	Lost map[Loss]int `json:"lost,omitempty"`
	// Broken says why the archive cannot be read to its end. Nothing of it is taken then;
	// Counts says what was found.
	Broken *Finding `json:"broken,omitempty"`
}

// Loss is something that items of an archive have and that no command can carry.
type Loss string

// The losses.
const (
	LostVersions    Loss = "versions"
	LostMaintainers Loss = "maintainedBy"
	LostLicense     Loss = "license"
	LostStatus      Loss = "status"
	LostHome        Loss = "home"
	LostPropagation Loss = "propagation"
)

// Losses returns all losses, each with its description.
func Losses() [][2]string {
	return [][2]string{
		{string(LostVersions), "who created and changed them, when and how often (the repository counts anew)"},
		{string(LostMaintainers), "who maintains them"},
		{string(LostLicense), "the license of the very item"},
		{string(LostStatus), "a status other than ACTIVE"},
		{string(LostHome), "that they were at home elsewhere than in the archive"},
		{string(LostPropagation), "that the classification came along a relationship"},
	}
}

// lose counts what of an item no command can carry.
func (r *Report) lose(w *wireAudit) {
	for loss, has := range map[Loss]bool{
		LostVersions:    w.CreatedBy != "" || w.UpdatedBy != "" || !w.CreateTime.IsZero() || !w.UpdateTime.IsZero() || w.Version > 1,
		LostMaintainers: len(w.MaintainedBy) > 0,
		LostLicense:     w.License != "",
		LostStatus:      w.Status != "" && w.Status != active,
		LostHome:        w.ReplicatedBy != "" || w.Collection != "" && w.Collection != r.Header.GUID,
	} {
		if has {
			r.countLoss(loss)
		}
	}
}

func (r *Report) countLoss(loss Loss) {
	if r.Lost == nil {
		r.Lost = map[Loss]int{}
	}
	r.Lost[loss]++
}

// loseOf is lose for a classification.
func (r *Report) loseOf(w *wireClassification) {
	r.lose(&w.wireAudit)
	if w.Origin == "PROPAGATED" {
		r.countLoss(LostPropagation)
	}
}

// MaxFindings is how many findings a report has room for; it counts all of them.
const MaxFindings = 10_000

// Complete reports whether nothing is refused.
func (r *Report) Complete() bool {
	for _, c := range r.Counts {
		if c.Refused > 0 {
			return false
		}
	}
	return r.Broken == nil
}

// Refuse records that the repository refused a step.
func (r *Report) Refuse(s *Step, reason string) {
	f := s.Finding
	f.Outcome, f.Reason = Refused, reason
	for kind, n := range s.Counts {
		r.count(kind, Taken, -n)
		r.count(kind, Refused, n)
	}
	r.note(f)
}

func (r *Report) count(kind Kind, outcome Outcome, n int) {
	if n == 0 {
		return
	}
	c := r.Counts[kind]
	switch outcome {
	case Taken:
		c.Taken += n
	case Skipped:
		c.Skipped += n
	case Refused:
		c.Refused += n
	case found:
		c.Found += n
	}
	r.Counts[kind] = c
}

// add records a finding about one item.
func (r *Report) add(f Finding) {
	r.count(f.Kind, f.Outcome, 1)
	r.note(f)
}

// note keeps a finding, if there is room for it.
func (r *Report) note(f Finding) {
	if len(r.Findings) >= MaxFindings {
		r.Omitted++
		return
	}
	r.Findings = append(r.Findings, f)
}
