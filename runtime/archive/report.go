package archive

import "cmp"

// Kind says what an item of an archive is.
type Kind string

// The kinds of items. A classification may stand on its element or by itself.
const (
	KindArchive        Kind = "archive"
	KindType           Kind = "type"
	KindPatch          Kind = "patch"
	KindElement        Kind = "element"
	KindClassification Kind = "classification"
	KindRelationship   Kind = "relationship"
)

// Outcome is what becomes of an item.
type Outcome string

// The outcomes.
const (
	// Taken items are in the repository, or will be.
	Taken Outcome = "taken"
	// Skipped items need not be taken: they are deleted, or there already.
	Skipped Outcome = "skipped"
	// Refused items cannot be taken.
	Refused Outcome = "refused"
)

// Finding is what a [Report] has to say about one item.
type Finding struct {
	Outcome       Outcome `json:"outcome"`
	Kind          Kind    `json:"kind"`
	GUID          string  `json:"guid,omitempty"`
	QualifiedName string  `json:"qualifiedName,omitempty"`
	Type          string  `json:"type,omitempty"`
	Where         Place   `json:"where"`
	Reason        string  `json:"reason"`
}

// String names the item, where it stands and what is wrong with it.
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

// Count is how many items of a kind an archive has, and what becomes of them.
// Found may be more than the sum of the others where the archive is broken.
type Count struct {
	Found   int `json:"found"`
	Taken   int `json:"taken"`
	Skipped int `json:"skipped"`
	Refused int `json:"refused"`
}

// Report says what becomes of an archive.
type Report struct {
	Header Header         `json:"header"`
	Counts map[Kind]Count `json:"counts"`
	// Findings are about what is not taken, in the order in which it was found.
	Findings []Finding `json:"findings,omitempty"`
	// Omitted is how many more findings there were than a report holds.
	Omitted int `json:"omitted,omitzero"`
	// Broken says where the archive ends although it should go on. Nothing is
	// taken then; Counts says what had been found.
	Broken *Finding `json:"broken,omitempty"`
}

// MaxFindings is how many findings a report holds; it counts all of them.
const MaxFindings = 10_000

// Complete reports whether everything is taken that should be.
func (r *Report) Complete() bool {
	for _, c := range r.Counts {
		if c.Refused > 0 {
			return false
		}
	}
	return r.Broken == nil
}

// Refuse records that what a step stands for was not taken after all.
func (r *Report) Refuse(s *Step, reason string) {
	f := s.finding()
	f.Outcome, f.Reason = Refused, reason
	counts := map[Kind]int{f.Kind: 1}
	switch {
	case len(s.Types) > 0:
		counts = s.counts
	case s.Element != nil:
		counts[KindClassification] = s.Element.marks
	}
	for kind, n := range counts {
		r.count(kind, Taken, -n)
		r.count(kind, Refused, n)
	}
	r.note(f)
}

func (r *Report) found(kind Kind, n int) {
	if n == 0 {
		return
	}
	c := r.Counts[kind]
	c.Found += n
	r.Counts[kind] = c
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
