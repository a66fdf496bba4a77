package opentypes

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/camena-io/camena/events"
)

var update = flag.Bool("update", false, "write types.json anew from types/*.yaml")

// TestShippedTypesAreGenerated checks that types.json says what types/*.yaml
// say, and with -update makes it do so.
func TestShippedTypesAreGenerated(t *testing.T) {
	t.Parallel()
	want := generated(t)
	if *update {
		if err := os.WriteFile("types.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(shipped, want) {
		t.Error("types.json is not what types/*.yaml say; run: go test ./events/opentypes -run TestShippedTypesAreGenerated -update")
	}
}

// generated makes types.json, one type a line.
func generated(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	out.WriteString(`{"types":[`)
	separator := "\n"
	for _, d := range written(t) {
		line, err := events.Marshal(&d)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(separator)
		out.Write(line)
		separator = ",\n"
	}
	out.WriteString("\n]}\n")
	return out.Bytes()
}

// written reads the YAML files, each strictly by itself.
func written(t *testing.T) []events.TypeDef {
	t.Helper()
	files, err := filepath.Glob("types/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files", err)
	}
	var all []events.TypeDef
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var document any
		if err := yaml.Unmarshal(content, &document); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object, err := json.Marshal(document)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c, err := events.Unmarshal[events.DefineTypes](object)
		if err == nil {
			err = c.Validate()
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, c.Types...)
	}
	return all
}
