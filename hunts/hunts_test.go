package hunts

import (
	"context"
	"embed"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/inventory"
	"github.com/replaytrace/replaytrace/internal/proof"
)

// TestProofs runs every rule over the evidence of its proof, NAME.txtar beside NAME.yaml. A rule without one fails.
func TestProofs(t *testing.T) {
	all, err := hunt.Load(FS)
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		h := &all[i]
		t.Run(h.Signal, func(t *testing.T) {
			t.Parallel()
			p, err := proof.Load(os.DirFS("."), h.Path)
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && i%8 != 0 {
				t.Skip("one in eight in the quick loop")
			}
			wrong, err := p.Run(context.Background(), h)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range wrong {
				t.Error(w)
			}
		})
	}
}

// TestScriptsOfMailbox: where only mailboxes speak, a script is what it is in the sign-ins.
func TestScriptsOfMailbox(t *testing.T) {
	read := func(fsys embed.FS, name string) string {
		text, err := fsys.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	kinds := regexp.MustCompile(`matches regex @"\(\?i\)(.+)", "(?:tool|script)"`).FindAllStringSubmatch(read(Functions, "functions/Activity.part"), -1)
	if len(kinds) != 2 {
		t.Fatalf("%d kinds of scripts in Activity", len(kinds))
	}
	if both := `(?i)` + kinds[0][1] + "|" + kinds[1][1]; !strings.Contains(read(FS, "CredentialAccess/MailboxByScript.yaml"), `"`+both+`"`) {
		t.Errorf("MailboxByScript lacks %s", both)
	}
}

// TestCatalogue holds docs/catalogue.md against the rules: what it calls a rule is one, and each rule that weighs is on it.
func TestCatalogue(t *testing.T) {
	all, err := hunt.Load(FS)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/catalogue.md")
	if err != nil {
		t.Fatal(err)
	}
	signals, told := map[string]bool{}, map[string]bool{}
	for i := range all {
		signals[all[i].Signal] = true
	}
	quoted := regexp.MustCompile("`([a-z0-9]+(?:-[a-z0-9]+)+)`")
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		var names []string
		if strings.HasPrefix(strings.TrimSpace(cells[2]), "rule") {
			names = strings.Split(cells[1], ",")
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[1]+cells[2], -1) {
			names = append(names, m[1])
		}
		for _, name := range names {
			name = strings.Trim(name, " `")
			told[name] = true
			if !signals[name] {
				t.Errorf("%s is said to be a rule, and none has it as its signal", name)
			}
		}
	}
	for i := range all {
		if h := &all[i]; h.Role == hunt.RoleSignal && !told[h.Signal] {
			t.Errorf("the page does not tell of %s", h.Signal)
		}
	}
}

// TestApplications holds the application ids in the KQL against the inventory: each is in it, with a name and a source, and
// those of the family are all of the family, as are the tenants that are Microsoft's. The rules carry them because they must run where no list was imported.
func TestApplications(t *testing.T) {
	inv, err := inventory.Default()
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"`)
	listed := map[string]map[string]bool{"functions/Family.part": {}, "functions/Microsoft.part": {}}
	for _, pattern := range []string{"*/*.yaml", "functions/*.part", "views/*.kql"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
				if len(inv.Find(m[1])) != 1 && !inv.Microsoft(m[1]) {
					t.Errorf("%s: the inventory of applications does not have %s", file, m[1])
				}
				if list, ok := listed[file]; ok {
					list[m[1]] = true
				}
			}
		}
	}
	for _, a := range inv.Apps() {
		if has := listed["functions/Family.part"][a.ID]; a.FOCI != has {
			t.Errorf("%s (%s): in the family says the inventory: %v, functions/Family.part: %v", a.ID, a.Name, a.FOCI, has)
		}
	}
	owners := listed["functions/Microsoft.part"]
	for _, o := range inv.Owners {
		if !owners[o.TenantID] {
			t.Errorf("functions/Microsoft.part does not have %s (%s)", o.TenantID, o.Name)
		}
	}
	if len(owners) != len(inv.Owners) {
		t.Errorf("functions/Microsoft.part has %d tenants, the inventory %d", len(owners), len(inv.Owners))
	}
}
