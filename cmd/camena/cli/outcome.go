package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
)

// upserted is what an upsert did, which the version tells.
const upserted = "upserted"

// outcome tells what became of a command.
func outcome(r *events.Result, did string) string {
	switch {
	case !r.Changed:
		did = unchangedWord
	case did == upserted && r.Version == 1:
		did = "created"
	case did == upserted:
		did = "updated"
	}
	if r.Version == 0 {
		return did
	}
	return fmt.Sprintf("%s (version %d)", did, r.Version)
}

const (
	unchangedWord = "unchanged"
	missingWord   = "was not there"
)

// outcome tells on a line what became of the operation.
func (o *operation) outcome(r *events.Result, did string) string {
	about := o.about
	switch {
	case o.nameless:
		about = strings.TrimSpace(about + " " + r.GUID)
	case about == "":
		about = strings.TrimSpace(r.Type + " " + cmp.Or(r.Name, r.GUID))
	}
	said := outcome(r, did)
	switch {
	case o.isMissing(r):
		said = missingWord
	case o.parts && r.Version > 0:
		said = strings.TrimSuffix(said, ")") + " of the " + r.Type + ")"
	}
	if with := company(r); o.family && with != "" {
		said += ", and with it " + with
	}
	return printable(about) + " " + said
}

// isMissing reports whether nothing was removed because there was nothing.
func (o *operation) isMissing(r *events.Result) bool {
	return o.removes && !r.Changed && r.Version == 0
}

// company is what was changed together with an element, "" if nothing was.
func company(r *events.Result) string {
	var parts []string
	if r.Elements > 1 {
		parts = append(parts, count(r.Elements-1, "element"))
	}
	if r.Relationships > 0 && r.Elements > 0 {
		parts = append(parts, count(r.Relationships, "relationship"))
	}
	return strings.Join(parts, " and ")
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}

// tellDropped tells what was left behind.
func (o *operation) tellDropped(r *events.Result) {
	for _, what := range r.Dropped {
		fmt.Fprintf(o.p.stdout, "%s: %s\n", cmp.Or(o.drops, "left behind"), printable(what))
	}
}

// showSteps tells of each command of a change set what it did.
func (o *operation) showSteps(r *events.Result) error {
	t := newTable("#", "DONE", "TYPE", "NAME", "VERSION", "")
	applied := 0
	for i := range r.Steps {
		if i >= len(o.steps) {
			break
		}
		s := &r.Steps[i]
		if s.Changed {
			applied++
		}
		version := "-"
		if s.Version > 0 {
			version = number(s.Version)
		}
		t.add(strconv.Itoa(i+1), wasDone(o.steps[i], s), orDash(s.Type), orDash(cmp.Or(s.Name, s.GUID, named(o.steps[i]))), version, notes(o.steps[i], s))
	}
	if r.More > 0 {
		_, err := fmt.Fprintf(o.p.stdout, "what each of %d commands did does not fit into the answer; out sequence %d\n", r.More, r.Sequence)
		return err
	}
	if err := t.print(o.p.stdout, ""); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.p.stdout, "%d applied, %d unchanged, out sequence %d\n", applied, len(r.Steps)-applied, r.Sequence)
	return err
}

// wasDone is what a command did, in a word.
func wasDone(c events.Command, r *events.Result) string {
	did := verbOf(c)
	switch {
	case !r.Changed && r.Version == 0 && (did == "deleted" || did == "unlinked" || did == "purged"):
		return missingWord
	case !r.Changed:
		return unchangedWord
	case did == upserted && r.Version == 1:
		return "created"
	case did == upserted:
		return "updated"
	}
	return did
}

func verbOf(c events.Command) string {
	switch c := c.(type) {
	case *events.Delete:
		return deletionWord(c.Method)
	case *events.Create, *events.FromTemplate:
		return "created"
	case *events.Upsert:
		return upserted
	case *events.Withdraw:
		return "withdrawn"
	case *events.Link, *events.LinkExternalID:
		return "linked"
	case *events.Unlink, *events.UnlinkExternalID:
		return "unlinked"
	case *events.Classify:
		return "classified"
	case *events.Declassify:
		return "declassified"
	case *events.ConfirmSynchronization:
		return "confirmed"
	default: // update, restore, publish, retype, rehome
		verb := what(c.EventType())
		return strings.TrimSuffix(verb, "e") + "ed"
	}
}

func deletionWord(m events.DeleteMethod) string {
	switch m {
	case events.DeleteArchive:
		return "archived"
	case events.DeletePurge:
		return "purged"
	default:
		return "deleted"
	}
}

// named is what a command removes, as it names it.
func named(c events.Command) string {
	switch c := c.(type) {
	case *events.Delete:
		return cmp.Or(c.Element.QualifiedName, c.Element.GUID)
	case *events.Unlink:
		if c.GUID != "" {
			return c.GUID
		}
		return cmp.Or(c.End1.QualifiedName, c.End1.GUID) + " → " + cmp.Or(c.End2.QualifiedName, c.End2.GUID)
	case *events.UnlinkExternalID:
		return c.Identifier
	default:
		return ""
	}
}

// notes are what else there is to say of a command of a change set.
func notes(c events.Command, r *events.Result) string {
	var parts []string
	switch c := c.(type) {
	case *events.Delete, *events.Restore, *events.FromTemplate:
		if with := company(r); with != "" {
			parts = append(parts, "with "+with)
		}
	case *events.Classify:
		parts = append(parts, c.Classification.Name)
	case *events.Declassify:
		parts = append(parts, c.ClassificationName)
	}
	if len(r.Dropped) > 0 {
		parts = append(parts, "left behind: "+strings.Join(r.Dropped, ", "))
	}
	return strings.Join(parts, "; ")
}

// article returns the name of a type with the article before it.
func article(typeName string) string {
	if typeName != "" && strings.ContainsRune("AEIO", rune(typeName[0])) {
		return "an " + typeName
	}
	return "a " + typeName
}
