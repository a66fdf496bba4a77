package opentypes_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/events/opentypes"
)

// naive checks decoded JSON against definitions, without any thought of speed.
type naive map[string]events.TypeDef

func naiveOf(r *opentypes.Registry) naive {
	n := naive{}
	for _, t := range r.All() {
		n[t.Name()] = t.Def()
	}
	return n
}

func (n naive) attributes(name string) map[string]events.AttributeDef {
	all := map[string]events.AttributeDef{}
	for name != "" {
		for _, a := range n[name].Attributes {
			if _, ok := all[a.Name]; !ok {
				all[a.Name] = a
			}
		}
		name = n[name].SuperType
	}
	return all
}

// object returns the path of something that is wrong, "" if nothing is.
func (n naive) object(name string, values map[string]any, partial bool) string {
	attributes := n.attributes(name)
	for key, v := range values {
		a, ok := attributes[key]
		switch {
		case !ok:
			return key + ": unknown"
		case v == nil:
			if a.Required {
				return key + ": null"
			}
		case !n.value(a.Type, v):
			return key + ": no " + a.Type
		}
	}
	for key, a := range attributes {
		if _, ok := values[key]; !ok && a.Required && !partial {
			return key + ": missing"
		}
	}
	return ""
}

func (n naive) value(expression string, v any) bool {
	if inner, ok := strings.CutPrefix(expression, "array<"); ok {
		list, ok := v.([]any)
		for _, item := range list {
			ok = ok && item != nil && n.value(strings.TrimSuffix(inner, ">"), item)
		}
		return ok
	}
	if inner, ok := strings.CutPrefix(expression, "map<string,"); ok {
		object, ok := v.(map[string]any)
		for _, item := range object {
			ok = ok && item != nil && n.value(strings.TrimSuffix(inner, ">"), item)
		}
		return ok
	}
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch expression {
	case "any":
		return true
	case "boolean":
		_, ok := v.(bool)
		return ok
	case "string":
		return isText
	case "char":
		return isText && utf8.RuneCountInString(text) == 1
	case "date":
		_, err := time.Parse(time.RFC3339, text)
		return isText && err == nil && !strings.Contains(text, ",")
	case "float", "double", "bigdecimal":
		return isNumber
	case "byte", "short", "int", "long", "biginteger":
		return isNumber && whole(string(number), map[string]uint{"byte": 7, "short": 15, "int": 31, "long": 63, "biginteger": 0}[expression])
	}
	if n[expression].Kind == events.KindEnum {
		for _, value := range n[expression].Values {
			if isText && value.Name == text {
				return true
			}
		}
		return false
	}
	object, ok := v.(map[string]any)
	return ok && n.object(expression, object, false) == ""
}

func whole(text string, bits uint) bool {
	i, ok := new(big.Int).SetString(text, 10)
	limit := new(big.Int).Lsh(big.NewInt(1), bits)
	return ok && (bits == 0 || i.Cmp(limit) < 0 && new(big.Int).Add(limit, i).Sign() >= 0)
}

// draw draws a value that mostly fits.
func (n naive) draw(t *rapid.T, expression string, depth int) any {
	if rapid.IntRange(0, 30).Draw(t, "odd") == 0 || depth > 4 {
		return rapid.SampledFrom([]any{nil, "", "x", true, 1, 1.5, json.Number("1e2"), []any{}, []any{nil}, map[string]any{}, map[string]any{"a": nil}, "2026-01-02"}).Draw(t, "wrong")
	}
	if inner, ok := strings.CutPrefix(expression, "array<"); ok {
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "length"))
		for i := range list {
			list[i] = n.draw(t, strings.TrimSuffix(inner, ">"), depth+1)
		}
		return list
	}
	if inner, ok := strings.CutPrefix(expression, "map<string,"); ok {
		object := map[string]any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			object[rapid.SampledFrom([]string{"a", "b/c", "é", "\n", ""}).Draw(t, "key")] = n.draw(t, strings.TrimSuffix(inner, ">"), depth+1)
		}
		return object
	}
	switch expression {
	case "boolean":
		return rapid.Bool().Draw(t, "boolean")
	case "string", "any":
		return rapid.SampledFrom([]string{"", "x", "a\"b", "é\n"}).Draw(t, "string")
	case "char":
		return rapid.SampledFrom([]string{"x", "é", "\n", "😀", "xx"}).Draw(t, "char")
	case "date":
		return rapid.SampledFrom([]string{"2026-01-02T03:04:05Z", "0001-02-29T00:00:00Z", "2024-02-29T23:59:59.5-07:00"}).Draw(t, "date")
	case "float", "double", "bigdecimal":
		return json.Number(rapid.SampledFrom([]string{"1", "-1.5", "1e400", "0.1000"}).Draw(t, "number"))
	case "byte", "short", "int", "long", "biginteger":
		bits := rapid.SampledFrom([]uint{3, 7, 15, 31, 63}).Draw(t, "bits")
		i := new(big.Int).Lsh(big.NewInt(1), bits)
		i.Add(i, big.NewInt(rapid.Int64Range(-1, 0).Draw(t, "more")))
		if rapid.Bool().Draw(t, "negative") {
			i.Neg(i)
		}
		return json.Number(i.String())
	}
	if values := n[expression].Values; len(values) > 0 {
		return values[rapid.IntRange(0, len(values)-1).Draw(t, "value")].Name
	}
	return n.drawObject(t, expression, depth+1)
}

func (n naive) drawObject(t *rapid.T, name string, depth int) map[string]any {
	object := map[string]any{}
	for key, a := range n.attributes(name) {
		if a.Required && rapid.IntRange(0, 20).Draw(t, "given") > 0 || rapid.IntRange(0, 3).Draw(t, "given") == 0 {
			object[key] = n.draw(t, a.Type, depth)
		}
	}
	if rapid.IntRange(0, 10).Draw(t, "unknown") == 0 {
		object[rapid.SampledFrom([]string{"a", "zz", "displayname", "é", "a\nb", `"`, ""}).Draw(t, "name")] = 1
	}
	return object
}

// TestCheckAgreesWithNaive compares the two on the shipped types and on one that
// has all types of values.
func TestCheckAgreesWithNaive(t *testing.T) {
	t.Parallel()
	r, _, err := builtin(t).Apply(parse(t, strings.NewReplacer(
		`{"kind":"element","name":"OpenMetadataRoot"},`, "",
		`{"kind":"element","name":"Referenceable","superType":"OpenMetadataRoot","attributes":[{"name":"additionalProperties","type":"map<string,string>"}]},`, "",
	).Replace(everything))...)
	if err != nil {
		t.Fatal(err)
	}
	model := naiveOf(r)
	var names []string
	for _, typ := range r.All() {
		if typ.Kind() != events.KindEnum && typ.Kind() != events.KindStruct {
			names = append(names, typ.Name())
		}
	}
	good := 0
	rapid.Check(t, func(t *rapid.T) {
		name := "Thing"
		if rapid.Bool().Draw(t, "shipped") {
			name = rapid.SampledFrom(names).Draw(t, "type")
		}
		p := events.Props(model.drawObject(t, name, 0))
		partial := rapid.Bool().Draw(t, "partial")
		typ, _ := r.Type(name)
		got, err := typ.Check(p, opentypes.CheckOptions{Partial: partial})
		if want := model.object(name, decoded(t, p), partial); (want == "") != (err == nil) {
			t.Fatalf("%s: %s: %v, but the model says %q", name, p.Raw(), err, want)
		}
		if !got.Equal(p) {
			t.Fatalf("it returns %s", got.Raw())
		}
		if err == nil {
			good++
		}
		lenientAgrees(t, typ, p, err)
	})
	if good == 0 {
		t.Error("nothing was good")
	}
}

// lenientAgrees checks that what is right is taken as it is, and that what is
// taken otherwise is right afterwards.
func lenientAgrees(t *rapid.T, typ *opentypes.Type, p events.Properties, strict error) {
	got, err := typ.Check(p, opentypes.CheckOptions{Lenient: true, Partial: true})
	switch {
	case strict == nil && (err != nil || !got.Equal(p)):
		t.Fatalf("%s became %s, %v", p.Raw(), got.Raw(), err)
	case err == nil:
		if _, err := typ.Check(got, opentypes.CheckOptions{Partial: true}); err != nil {
			t.Fatalf("%s became %s: %v", p.Raw(), got.Raw(), err)
		}
	}
}

func decoded(t *rapid.T, p events.Properties) map[string]any {
	dec := json.NewDecoder(strings.NewReader(string(p.Raw())))
	dec.UseNumber()
	var values map[string]any
	if err := dec.Decode(&values); err != nil {
		t.Fatal(err)
	}
	return values
}

// TestCompatibleChangesKeepDataValid changes types at random; what is applied
// must accept all that was accepted before.
func TestCompatibleChangesKeepDataValid(t *testing.T) {
	t.Parallel()
	base, _, err := new(opentypes.Registry).Apply(parse(t, everything)...)
	if err != nil {
		t.Fatal(err)
	}
	applied := 0
	rapid.Check(t, func(t *rapid.T) {
		r := base
		var accepted []events.Properties
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			typ, _ := r.Type("Thing")
			p := events.Props(naiveOf(r).drawObject(t, "Thing", 0))
			if _, err := typ.Check(p, opentypes.CheckOptions{}); err == nil {
				accepted = append(accepted, p)
			}
			next, _, err := r.Apply(edited(t, r)...)
			if err != nil {
				continue
			}
			applied++
			for _, old := range r.All() {
				now, ok := next.Type(old.Name())
				if !ok || now.Kind() != old.Kind() || fmt.Sprint(now.Header()) != fmt.Sprint(old.Header()) {
					t.Fatalf("%s is gone or has other super types", old.Name())
				}
			}
			typ, _ = next.Type("Thing")
			for _, p := range accepted {
				if _, err := typ.Check(p, opentypes.CheckOptions{}); err != nil {
					t.Fatalf("%s is no longer valid: %v", p.Raw(), err)
				}
			}
			r = next
		}
	})
	if applied == 0 {
		t.Error("no change was compatible")
	}
}

// edited returns definitions with a random edit each, compatible or not.
func edited(t *rapid.T, r *opentypes.Registry) []events.TypeDef {
	names := []string{"Thing", "Referenceable", "Wing", "Mood"}
	var defs []events.TypeDef
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID).Draw(t, "types") {
		typ, _ := r.Type(name)
		d := typ.Def()
		edit(t, &d)
		defs = append(defs, d)
	}
	return defs
}

func edit(t *rapid.T, d *events.TypeDef) {
	added := events.AttributeDef{
		Name:     rapid.SampledFrom([]string{"x", "y", "int", "wing"}).Draw(t, "name"),
		Type:     rapid.SampledFrom([]string{"int", "string", "Wing", "array<Mood>", "any"}).Draw(t, "type"),
		Required: rapid.IntRange(0, 3).Draw(t, "required") == 0,
	}
	if d.Kind == events.KindEnum {
		d.Values = append(d.Values, events.EnumValue{Name: "NEW" + added.Name, Ordinal: rapid.IntRange(0, 9).Draw(t, "ordinal")})
		return
	}
	i := rapid.IntRange(0, len(d.Attributes)-1).Draw(t, "attribute")
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 0:
		d.Attributes[i].Required = !d.Attributes[i].Required
	case 1:
		d.Attributes[i].Type = added.Type
	case 2:
		d.Attributes = append(d.Attributes[:i], d.Attributes[i+1:]...)
	default:
		d.Attributes = append(d.Attributes, added)
	}
}
