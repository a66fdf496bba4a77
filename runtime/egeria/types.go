package egeria

import (
	"cmp"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/camena-io/camena/events"
)

// placedType is a definition of the archive.
type placedType struct {
	def     events.TypeDef
	version int64
	needs   []need
	finding Finding
	// origins are its items: a definition, and patches of it.
	origins []key
}

// placedPatch is a patch of the archive.
type placedPatch struct {
	wire    wirePatch
	item    item
	finding Finding
}

// define reads a definition or a patch.
func (c *checker) define(i *item) {
	if i.section == typePatches {
		c.keepPatch(i)
		return
	}
	var w wireTypeDef
	var t typeReader
	def, wrong := c.definition(i, &w, &t)
	f := Finding{Kind: KindType, Type: w.Name}
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	f.Where = i.place("")
	c.types = append(c.types, placedType{def: def, version: w.Version, needs: i.locate(t.needs), finding: f, origins: []key{i.key()}})
	c.inline = append(c.inline, t.enums...)
}

// definition reads a definition, and checks it by itself and against those before it.
func (c *checker) definition(i *item, w *wireTypeDef, t *typeReader) (def events.TypeDef, wrong *fault) {
	if wrong := i.decode(w); wrong != nil {
		return def, wrong
	}
	if w.isBuiltIn() {
		return def, skipf("primitive types and collections are built in")
	}
	if def, wrong = t.definition(w); wrong == nil {
		wrong = validDefinition(&def)
	}
	if at := c.defined(def.Name); wrong == nil && at >= 0 {
		before := &c.types[at]
		if c.hash(before.def) == c.hash(def) {
			return def, skipf("the same occurs before: at %s", before.finding.Where)
		}
		return def, faultf("/name", "a type of that name is defined before, with other content, at %s", before.finding.Where)
	}
	return def, wrong
}

func validDefinition(def *events.TypeDef) *fault {
	if err := def.Validate(""); err != nil {
		return faultf("", "as a definition of Camena, %s", err)
	}
	return nil
}

func (c *checker) defined(name string) int {
	return slices.IndexFunc(c.types, func(t placedType) bool { return t.def.Name == name })
}

// locate sets the places of the references.
func (i *item) locate(needs []need) []need {
	for n := range needs {
		needs[n].where = i.place(needs[n].pointer)
	}
	return needs
}

func (c *checker) keepPatch(i *item) {
	var w wirePatch
	err := json.Unmarshal(i.raw, &w)
	w.Name = cmp.Or(w.Name, w.OldName)
	f := Finding{Kind: KindPatch, Type: w.Name}
	wrong := validVersion(w.HeaderVersion)
	switch {
	case err != nil:
		wrong = faultOf(err)
	case w.Name == "":
		wrong = faultf("/typeDefName", "the patch does not name the type that it changes")
	}
	if wrong != nil {
		c.refuse(i, f, wrong)
		return
	}
	f.Where = i.place("")
	kept := *i
	kept.raw = i.raw.Clone()
	c.patches = append(c.patches, placedPatch{wire: w, item: kept, finding: f})
}

// settleTypes checks the definitions against each other.
func (c *checker) settleTypes() {
	for n := range c.patches {
		if wrong := c.apply(&c.patches[n]); wrong != nil {
			p := &c.patches[n]
			c.refuse(&p.item, p.finding, wrong)
		}
	}
	c.addInline()
	for i := range c.types {
		t := &c.types[i]
		c.adoptNames(&t.def)
		c.defs[t.def.Name] = t.def
	}
	for c.dropTypes() {
		continue // types that refer to a dropped type are dropped, too
	}
	slices.SortStableFunc(c.types, func(a, b placedType) int {
		return cmp.Or(cmp.Compare(rank(a.def.Kind), rank(b.def.Kind)), cmp.Compare(c.depth(a.def.Name), c.depth(b.def.Name)))
	})
	for _, t := range c.types {
		for _, origin := range t.origins {
			c.Report.count(origin.section.kind(), Taken, 1)
		}
	}
	c.patches, c.inline = nil, nil
}

// addInline adds the enums that only attributes define.
func (c *checker) addInline() {
	for _, def := range c.inline {
		if _, known := c.typeOf(def.Name); known || c.defined(def.Name) >= 0 || validDefinition(&def) != nil {
			continue
		}
		c.types = append(c.types, placedType{def: def})
	}
}

// adoptNames gives the values of an enum the names that they have in the repository.
func (c *checker) adoptNames(def *events.TypeDef) {
	if def.Kind != events.KindEnum {
		return
	}
	known, _ := c.Plan.ask(def.Name)
	for _, v := range known.Values {
		for i := range def.Values {
			if def.Values[i].Ordinal == v.Ordinal {
				def.Values[i].Name = v.Name
			}
		}
	}
}

// apply patches a type of the archive or of the repository.
func (c *checker) apply(p *placedPatch) *fault {
	at := c.defined(p.wire.Name)
	patched := placedType{finding: p.finding}
	switch def, known := c.typeOf(p.wire.Name); {
	case at >= 0:
		patched = c.types[at]
		if patched.version != 0 && p.wire.From != 0 && p.wire.From != patched.version {
			return faultf("/applyToVersion", "the patch is for version %d of %s, which is of version %d", p.wire.From, p.wire.Name, patched.version)
		}
	case known:
		patched.def = def
	default:
		return faultf("/typeDefName", "the patch changes the type %q, which neither the archive nor the repository defines", short(p.wire.Name))
	}
	var t typeReader
	patched.def.ValidFor = slices.Clone(patched.def.ValidFor)
	if f := t.patch(&patched.def, &p.wire); f != nil {
		return f
	}
	if f := validDefinition(&patched.def); f != nil {
		return f
	}
	patched.version = p.wire.To
	patched.needs = append(slices.Clone(patched.needs), p.item.locate(t.needs)...)
	patched.origins = append(slices.Clone(patched.origins), p.item.key())
	c.inline = append(c.inline, t.enums...)
	if at < 0 {
		c.types = append(c.types, patched)
	} else {
		c.types[at] = patched
	}
	return nil
}

// dropTypes refuses types that refer to unknown types, and reports whether there were
// any.
func (c *checker) dropTypes() bool {
	kept := c.types[:0:0]
	for _, t := range c.types {
		where, reason := c.unmet(&t)
		if reason == "" {
			kept = append(kept, t)
			continue
		}
		delete(c.defs, t.def.Name)
		for _, origin := range t.origins {
			f := t.finding
			f.Kind, f.Outcome, f.Where, f.Reason = origin.section.kind(), Refused, where, reason
			c.drop(origin, f)
		}
	}
	dropped := len(kept) < len(c.types)
	c.types = kept
	return dropped
}

// unmet returns why a type cannot be defined and the place of the cause, if so.
func (c *checker) unmet(t *placedType) (where Place, reason string) {
	for _, n := range t.needs {
		if f := c.validType(n.pointer, n.name, n.kind); f != nil {
			return n.where, f.reason
		}
	}
	if c.depth(t.def.Name) > len(c.types) {
		return t.finding.Where, "its super types lead in a circle"
	}
	return Place{}, ""
}

// depth returns how many super types of the archive a type has. It is more than there
// are types if they lead in a circle.
func (p *Plan) depth(name string) int {
	depth := 0
	for depth <= len(p.types) {
		def, ok := p.defs[name]
		if !ok {
			break
		}
		name = def.SuperType
		depth++
	}
	return depth
}

// rank orders kinds so that a type comes after the types that it refers to.
func rank(kind events.TypeKind) int {
	return slices.Index([]events.TypeKind{
		events.KindEnum, events.KindStruct, events.KindElement, events.KindRelationship, events.KindClassification,
	}, kind)
}

// nameOf returns the name of an enum's value.
func (p *Plan) nameOf(typeName string, ordinal int64) (string, bool) {
	def, _ := p.typeOf(typeName)
	for _, value := range def.Values {
		if int64(value.Ordinal) == ordinal {
			return value.Name, true
		}
	}
	return "", false
}

// typeSteps defines types in as few commands as fit into messages.
func (p *Plan) typeSteps(types []placedType) []*Step {
	const most = 512 << 10 // half of the default size of a message
	limit := most
	if p.settings.MaxCommand > 0 {
		limit = min(limit, p.settings.MaxCommand)
	}
	var steps []*Step
	begin, size := 0, 0
	for i := range types {
		data, err := events.Marshal(types[i].def)
		if err != nil {
			data = nil // sending it tells why
		}
		if size += len(data); size > limit && i > begin {
			steps = append(steps, defining(types[begin:i]))
			begin, size = i, len(data)
		}
	}
	if begin < len(types) {
		steps = append(steps, defining(types[begin:]))
	}
	return steps
}

// defining returns the step that defines types.
func defining(types []placedType) *Step {
	command := &events.DefineTypes{}
	s := newStep(Finding{Kind: KindType, Type: types[0].def.Name, Where: types[0].finding.Where}, command)
	s.Counts, s.types = map[Kind]int{}, types
	for i := range types {
		command.Types = append(command.Types, types[i].def)
		for _, origin := range types[i].origins {
			s.Counts[origin.section.kind()]++
		}
	}
	return s
}
