package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/camena-io/camena/events"
	"github.com/camena-io/camena/runtime/runtimetest"
	"github.com/camena-io/camena/topics"
)

// star is an archive with one element and so many relationships on it.
func star(n int) string {
	entity := func(i int) string {
		return fmt.Sprintf(`{"type":{"typeDefName":"GlossaryTerm"},"guid":"aaaaaaaa-0000-4000-8000-%012d","properties":{"instanceProperties":`+
			`{"qualifiedName":{"class":"PrimitivePropertyValue","primitiveDefCategory":"OM_PRIMITIVE_TYPE_STRING","primitiveValue":"Term:%d"}}}}`, i, i)
	}
	entities, relationships := []string{entity(0)}, []string{}
	for i := range n {
		entities = append(entities, entity(i+1))
		relationships = append(relationships, fmt.Sprintf(`{"type":{"typeDefName":"RelatedTerm"},"guid":"bbbbbbbb-0000-4000-8000-%012d",`+
			`"entityOneProxy":{"guid":"aaaaaaaa-0000-4000-8000-000000000000"},"entityTwoProxy":{"guid":"aaaaaaaa-0000-4000-8000-%012d"}}`, i, i+1))
	}
	return `{"archiveProperties":{"archiveName":"Star"},"archiveInstanceStore":{"entities":[` + strings.Join(entities, ",") +
		`],"relationships":[` + strings.Join(relationships, ",") + "]}}"
}

// TestImportOfAStar tries and then imports many relationships on one element.
func TestImportOfAStar(t *testing.T) {
	t.Parallel()
	const n = 2000
	server := runtimetest.NewServer(t)
	i := installationOn(t, server, topics.DefaultDomain)
	i.start(t)
	file := filepath.Join(t.TempDir(), "star.json")
	if err := os.WriteFile(file, []byte(star(n)), 0o600); err != nil {
		t.Fatal(err)
	}
	camena := func(want int, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "camena", append([]string{"import", file}, args...)...)
		c.Env = append(os.Environ(), "CAMENA_NATS_URL="+server.URL(), "GORACE=atexit_sleep_ms=0")
		if out, err := c.CombinedOutput(); err != nil || !bytes.Contains(out, fmt.Appendf(nil, "relationship  %d", n)) {
			t.Fatalf("it ends with %v: %s", err, out)
		}
		a, err := i.metadata.Count(t.Context(), events.Find{})
		if err != nil || a.Relationships["RelatedTerm"] != want {
			t.Fatalf("there are %v (%v), want %d", a.Relationships, err, want)
		}
	}
	camena(0, "--check")
	camena(n)
	camena(n)
}
