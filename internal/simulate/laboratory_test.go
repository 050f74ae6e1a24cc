package simulate

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLaboratoryPage holds that docs/laboratory.md has every scenario and every kind of people, and that README counts
// them right.
func TestLaboratoryPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/laboratory.md")
	if err != nil {
		t.Fatal(err)
	}
	attacks, people, ok := strings.Cut(string(page), "## Ordinary people")
	if !ok {
		t.Fatal("docs/laboratory.md has no section on ordinary people")
	}
	people, _, _ = strings.Cut(people, ".")
	named := map[string]bool{}
	for name := range strings.SplitSeq(people, ",") {
		named[strings.TrimSpace(name)] = true
	}
	for _, p := range populations {
		if !named[p.name] {
			t.Errorf("docs/laboratory.md does not name the people %s", p.name)
		}
	}
	for _, name := range ScenarioNames() {
		if !strings.Contains(attacks, "\n| "+name+" |") {
			t.Errorf("docs/laboratory.md does not say what happens in %s", name)
		}
	}
	if rows := strings.Count(attacks, "\n| ") - 1; rows != len(ScenarioNames()) || len(named) != len(populations) {
		t.Errorf("docs/laboratory.md has %d scenarios and %d kinds of people, the laboratory has %d and %d", rows, len(named), len(ScenarioNames()), len(populations))
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	counted := fmt.Sprintf("%d kinds of people and %d ways to steal a token", len(populations), len(ScenarioNames()))
	if !strings.Contains(strings.Join(strings.Fields(string(readme)), " "), counted) {
		t.Errorf("README does not say %q", counted)
	}
}
