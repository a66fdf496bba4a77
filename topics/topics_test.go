package topics_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/topics"
)

func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }),
		rapid.StringMatching(`[a-zA-Z0-9=.*> _-]{0,8}`),
		rapid.String(),
	)
}

func camena(tb testing.TB) topics.Topics {
	tb.Helper()
	names, err := topics.New("")
	if err != nil {
		tb.Fatal(err)
	}
	return names
}

func TestEscape(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := anyText().Draw(t, "text")
		token := topics.Escape(text)
		if !literal(token) || strings.ContainsAny(token, ".*>$ ") {
			t.Fatalf("%q is escaped to %q, which is no token", text, token)
		}
		if strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=") != "" {
			t.Fatalf("%q is escaped to %q, which is no key of a bucket", text, token)
		}
		back, err := topics.Unescape(token)
		if err != nil || back != text {
			t.Fatalf("%q came back as %q, %v", text, back, err)
		}
		other := anyText().Draw(t, "other")
		if (topics.Escape(other) == token) != (other == text) {
			t.Fatalf("%q and %q are the same token", text, other)
		}
	})
}

// What Unescape takes is what Escape writes, and nothing else.
func TestUnescapeIsStrict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		token := anyText().Draw(t, "token")
		text, err := topics.Unescape(token)
		if (err == nil) != (topics.Escape(text) == token) {
			t.Fatalf("%q: got %q, %v", token, text, err)
		}
	})
	for token, want := range map[string]string{
		"":     "empty token",
		"a.b":  `token "a.b": '.' is not allowed at 1`,
		"a b":  `token "a b": ' ' is not allowed at 1`,
		"a=2":  `token "a=2": '=' is not allowed at 1`,
		"a=":   `token "a=": '=' is not allowed at 1`,
		"=2e":  `token "=2e": bad escape at 0`,
		"=41":  `token "=41": bad escape at 0`,
		"=ZZa": `token "=ZZa": bad escape at 0`,
		"==":   `token "==": '=' is not allowed at 0`,
	} {
		if _, err := topics.Unescape(token); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", token, err, want)
		}
	}
}

func FuzzUnescape(f *testing.F) {
	for _, token := range []string{"", "=", "=2E", "=2e", "a=", "orders", "=="} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		text, err := topics.Unescape(token)
		if (err == nil) != (topics.Escape(text) == token) {
			t.Fatalf("%q: got %q, %v", token, text, err)
		}
	})
}

func FuzzParseChange(f *testing.F) {
	for _, subject := range []string{
		"", "camena.out.element.CSVFile.g", "camena.out.relationship.NestedFile.=2E", "camena.out.element.T", "camena.out.fence.a.b",
		"camena.out.element..g", "camena.out.element.=2A.g", "camena.out.element.*.>", "other.out.element.T.g",
	} {
		f.Add(subject)
	}
	names := camena(f)
	f.Fuzz(func(t *testing.T, subject string) {
		c, err := names.ParseChange(subject)
		if err != nil || c.Type == "*" { // stands for every type when a subject is built
			return
		}
		built := names.Element(c.Type, c.GUID)
		if c.Relationship {
			built = names.Relationship(c.Type, c.GUID)
		}
		if built != subject {
			t.Fatalf("%q is read as %+v, whose subject is %q", subject, c, built)
		}
	})
}

func FuzzParseDue(f *testing.F) {
	for _, subject := range []string{
		"", "camena.cycles.due.n.c", "camena.cycles.due.=.=", "camena.cycles.due.n", "camena.cycles.schedule.c.refresh", "camena.cycles.due.n.=2e",
	} {
		f.Add(subject)
	}
	names := camena(f)
	f.Fuzz(func(t *testing.T, subject string) {
		node, connector, err := names.ParseDue(subject)
		if err == nil && names.Due(node, connector) != subject {
			t.Fatalf("%q is read as %q, %q, whose subject is %q", subject, node, connector, names.Due(node, connector))
		}
	})
}

func TestSubjectsRoundTrip(t *testing.T) {
	t.Parallel()
	names := camena(t)
	rapid.Check(t, func(t *rapid.T) {
		typeName := rapid.StringMatching(`[A-Z][a-zA-Z]{0,8}`).Draw(t, "type")
		a, b := anyText().Draw(t, "a"), anyText().Draw(t, "b")
		for _, relationship := range []bool{false, true} {
			subject, filter, others := names.Element(typeName, b), names.ElementsOf(typeName), names.RelationshipsOf("*")
			if relationship {
				subject, filter, others = names.Relationship(typeName, b), names.RelationshipsOf(typeName), names.ElementsOf("*")
			}
			change, err := names.ParseChange(subject)
			if want := (topics.Change{Relationship: relationship, Type: typeName, GUID: b}); err != nil || change != want {
				t.Fatalf("%s: got %+v, %v, want %+v", subject, change, err, want)
			}
			if !matches(subject, filter) || !matches(subject, names.Changes()) || matches(subject, others) {
				t.Fatalf("%s, but not %s, should match %s", filter, others, subject)
			}
		}
		subject := names.Due(a, b)
		node, connector, err := names.ParseDue(subject)
		if err != nil || node != a || connector != b || !matches(subject, names.DueOf(a)) {
			t.Fatalf("%s: got %q, %q, %v", subject, node, connector, err)
		}
		source, err := names.ParseCommands(names.Commands(a))
		if err != nil || source != a {
			t.Fatalf("%s: got %q, %v", names.Commands(a), source, err)
		}
		if !matches(names.Schedule(a, b), names.SchedulesOf(a)) {
			t.Fatalf("%s does not match %s", names.SchedulesOf(a), names.Schedule(a, b))
		}
		if a != b && names.Schedule(a, b) == names.Schedule(b, a) {
			t.Fatal("connector and kind are interchangeable")
		}
	})
}

// Every subject is valid, and is stored by exactly one stream or by none.
func TestSubjectsAndStreams(t *testing.T) {
	t.Parallel()
	names, err := topics.New("my-domain_1")
	if err != nil {
		t.Fatal(err)
	}
	for subject, want := range map[string]string{
		names.Commands("files"):             names.InStream(),
		names.Element("T", "g"):             names.OutStream(),
		names.Relationship("T", "g"):        names.OutStream(),
		names.Fence("c"):                    names.OutStream(),
		names.Schedule("c", "refresh"):      names.CyclesStream(),
		names.Due("n", "c"):                 names.CyclesStream(),
		names.CoordinatorDue():              names.CyclesStream(),
		names.CoordinatorSchedule("tick"):   names.CyclesStream(),
		names.Status("c"):                   names.OpsStream(),
		names.CycleOutcome("c"):             names.OpsStream(),
		names.DeadLetter("MY-DOMAIN_IN", 7): names.DeadLetterStream(),
		names.API("repository", "get"):      "",
	} {
		var stored []string
		for _, stream := range names.Streams(topics.DefaultLimits()) {
			for _, filter := range stream.Subjects {
				if matches(subject, filter) {
					stored = append(stored, stream.Name)
				}
			}
		}
		if got := strings.Join(stored, ","); got != want || !literal(subject) || !strings.HasPrefix(subject, names.Domain()+".") {
			t.Errorf("%s: stored by %q, want %q", subject, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	names := camena(t)
	for subject, want := range map[string]string{
		"":                             `subject "" is not one of camena.out`,
		"other.out.element.T.g":        `subject "other.out.element.T.g" is not one of camena.out`,
		"camena.in.files":              `subject "camena.in.files" is not one of camena.out`,
		"camena.out.element.T":         `subject "camena.out.element.T": want 3 tokens after camena.out, found 2`,
		"camena.out.element.T.g.x":     `subject "camena.out.element.T.g.x": want 3 tokens after camena.out, found 4`,
		"camena.out.elements.T.g":      `subject "camena.out.elements.T.g": want element or relationship, found "elements"`,
		"camena.out.element.T.":        `subject "camena.out.element.T.": empty token`,
		"camena.out.element.*.g":       `subject "camena.out.element.*.g": token "*": '*' is not allowed at 0`,
		"camena.out.element.T.=2e":     `subject "camena.out.element.T.=2e": token "=2e": bad escape at 0`,
		"camena.out.fence.c":           `subject "camena.out.fence.c": want 3 tokens after camena.out, found 2`,
		"camena.cycles.due.node.files": `subject "camena.cycles.due.node.files" is not one of camena.out`,
	} {
		if _, err := names.ParseChange(subject); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := names.ParseDue(names.Schedule("c", "refresh")); err == nil || err.Error() != `subject "camena.cycles.schedule.c.refresh": want due, found "schedule"` {
		t.Errorf("got %v", err)
	}
	if _, _, err := names.ParseDue("camena.cycles.due.n"); err == nil {
		t.Error("a due cycle of no connector is taken")
	}
	if _, err := names.ParseCommands("camena.in.a.b"); err == nil {
		t.Error("two tokens are taken for a source")
	}
}

func TestDomains(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"Camena":                `domain "Camena": use lower-case letters, digits, - and _ only`,
		"a.b":                   `domain "a.b": use lower-case letters, digits, - and _ only`,
		"$SYS":                  `domain "$SYS": use lower-case letters, digits, - and _ only`,
		"ä":                     `domain "ä": use lower-case letters, digits, - and _ only`,
		strings.Repeat("a", 65): `domain "` + strings.Repeat("a", 65) + `": use at most 64 characters`,
	} {
		if _, err := topics.New(domain); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if names := camena(t); names.Domain() != topics.DefaultDomain || names.OutStream() != "CAMENA_OUT" {
		t.Errorf("got %s, %s", names.Domain(), names.OutStream())
	}
	// No name of one installation is one of another.
	seen := map[string]string{}
	for _, domain := range []string{"camena", "camena-1", "camena_1", "camena-nodes", "camena_in", strings.Repeat("a", 64)} {
		names, err := topics.New(domain)
		if err != nil {
			t.Fatal(err)
		}
		own := map[string]bool{}
		for _, s := range names.Streams(topics.DefaultLimits()) {
			own[s.Name], own[strings.Join(s.Subjects, " ")] = true, true
		}
		for _, b := range names.Buckets(topics.DefaultLimits()) {
			own["KV_"+b.Bucket] = true
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			if other, taken := seen[name]; taken {
				t.Errorf("%s is a name of %s and of %s", name, domain, other)
			}
			seen[name] = domain
		}
	}
}

// literal reports whether NATS takes s as a subject to publish to.
func literal(s string) bool {
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || token == "*" || token == ">" || strings.ContainsAny(token, " \t\r\n\f\x00") {
			return false
		}
	}
	return true
}

// matches reports whether a subject matches a filter as NATS has it.
func matches(subject, filter string) bool {
	tokens := strings.Split(subject, ".")
	for i, want := range strings.Split(filter, ".") {
		switch {
		case i >= len(tokens):
			return false
		case want == ">":
			return true
		case want != "*" && want != tokens[i]:
			return false
		}
	}
	return strings.Count(filter, ".") == strings.Count(subject, ".")
}
