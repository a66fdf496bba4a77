package cli

import (
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

// fenced returns the blocks of a language in a document.
func fenced(t *testing.T, document, language string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", document))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(content), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", document, language)
	}
	return blocks
}

func TestCommandsInDocumentsAreCommands(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, block := range fenced(t, "metadata.md", "json") {
		dec := jsontext.NewDecoder(strings.NewReader(block))
		for dec.PeekKind() == '{' {
			v, err := dec.ReadValue()
			if err != nil {
				t.Fatalf("%s: %v", block, err)
			}
			step, err := events.Unmarshal[events.Step](v)
			if err != nil {
				t.Errorf("%s: %v", v, err)
				continue
			}
			if _, err := events.DecodeCommand(&events.Event{Type: step.Type, Data: step.Data}); err != nil {
				t.Errorf("%s: %v", v, err)
			}
			seen[step.Type] = true
		}
	}
	for _, name := range commandsOfChangeSets() {
		if !seen[name] && name != events.TypeUpdateRelationship {
			t.Errorf("metadata.md has no example of %s", name)
		}
	}
}

func TestFilesInDocumentsAreRead(t *testing.T) {
	t.Parallel()
	p := &program{}
	for _, block := range fenced(t, "types.md", "yaml") {
		p.stdin = strings.NewReader(block)
		if _, err := p.reader().Types("-"); err != nil {
			t.Errorf("types.md: %v", err)
		}
	}
	for _, block := range fenced(t, "metadata.md", "yaml") {
		p.stdin = strings.NewReader(block)
		if _, err := p.reader().ChangeSet("-"); err != nil {
			t.Errorf("metadata.md: %v", err)
		}
	}
}

// What documents and helps show to type has commands and flags that there are.
func TestExamplesHaveCommandsAndFlagsThatThereAre(t *testing.T) {
	t.Parallel()
	root := wholeProgram().rootCommand()
	examples := map[string][]string{}
	var collectExamples func(*cobra.Command)
	collectExamples = func(c *cobra.Command) {
		examples[c.CommandPath()+" --help"] = strings.Split(c.Example, "\n")
		for _, below := range c.Commands() {
			collectExamples(below)
		}
	}
	collectExamples(root)
	for _, document := range []string{"metadata.md", "types.md", "events.md", "operations.md"} {
		for _, block := range fenced(t, document, "sh") {
			examples[document] = append(examples[document], strings.Split(block, "\n")...)
		}
	}
	quoted := regexp.MustCompile(`'[^']*'`)
	for where, lines := range examples {
		for _, line := range lines {
			_, line, found := strings.Cut("\n"+quoted.ReplaceAllString(strings.TrimSpace(line), "x"), "\ncamena ")
			if !found {
				continue
			}
			line, _, _ = strings.Cut(line, " #")
			args := strings.Fields(line)
			c, _, err := root.Find(args)
			if err != nil || c == root {
				t.Errorf("%s: %q: there is no such command: %v", where, line, err)
				continue
			}
			c.InitDefaultHelpFlag()
			for _, arg := range args {
				name, isFlag := strings.CutPrefix(arg, "--")
				name, _, _ = strings.Cut(name, "=")
				if isFlag && c.Flags().Lookup(name) == nil {
					t.Errorf("%s: %q: %s has no flag --%s", where, line, c.CommandPath(), name)
				}
			}
		}
	}
}

func TestZonesComeFromTheEnvironment(t *testing.T) {
	t.Setenv("CAMENA_PUBLISH_ZONES", "sales, research")
	t.Setenv("CAMENA_DEFAULT_ZONES", "")
	c, _, err := loadConfig()
	if err != nil || strings.Join(c.PublishZones, "|") != "sales|research" || len(c.DefaultZones) != 0 {
		t.Errorf("got %q, %q, %v", c.PublishZones, c.DefaultZones, err)
	}
	t.Setenv("CAMENA_DEFAULT_ZONES", "draft,")
	if _, _, err := loadConfig(); err == nil || !strings.Contains(err.Error(), "CAMENA_DEFAULT_ZONES: one of the names") {
		t.Errorf("got %v", err)
	}
}

func TestPortsThatThereAreNot(t *testing.T) {
	t.Setenv("CAMENA_NATS_PORT", "99999")
	if _, _, err := loadConfig(); err == nil || !strings.HasPrefix(err.Error(), "CAMENA_NATS_PORT: 99999 ") {
		t.Errorf("got %v", err)
	}
}

func TestWhoIsRecordedIsTheUserOfTheOperatingSystem(t *testing.T) {
	t.Setenv("USER", "ann")
	if c, _, err := loadConfig(); err != nil || c.User != "ann" {
		t.Errorf("with USER: got %q (%v)", c.User, err)
	}
	t.Setenv("USER", "")
	here, err := user.Current()
	if err != nil {
		t.Skipf("the user of this process has no name to compare with: %v", err)
	}
	if c, _, err := loadConfig(); err != nil || c.User != here.Username {
		t.Errorf("without USER: got %q, want %q (%v)", c.User, here.Username, err)
	}
}
