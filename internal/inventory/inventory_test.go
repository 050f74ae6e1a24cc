package inventory

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFacts wants each entry to be complete and each statement to name a public source.
func TestFacts(t *testing.T) {
	inv, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	family := 0
	for _, a := range inv.Apps() {
		if !guid.MatchString(a.ID) || a.ID != strings.ToLower(a.ID) || a.Name == "" {
			t.Errorf("%+v: an application has an id in lower case and a name", a)
		}
		if !slices.Contains([]string{FirstParty, ThirdParty}, a.Class) {
			t.Errorf("%s: class %q", a.ID, a.Class)
		}
		if a.Owner != "" && inv.Microsoft(a.Owner) != (a.Class == FirstParty) {
			t.Errorf("%s: class %s, but owned by %s", a.ID, a.Class, a.Owner)
		}
		sources := []string{a.Source}
		if a.Abused != "" {
			sources = append(sources, a.AbuseSource)
		}
		for _, s := range sources {
			if u, err := url.Parse(s); err != nil || u.Scheme != "https" {
				t.Errorf("%s: the source %q is no address", a.ID, s)
			}
		}
		if a.FOCI {
			family++
		}
	}
	if family != 37 { // the research lists so many
		t.Errorf("%d members of the family, want 37", family)
	}
}

func TestAddKeepsWhatIsKnown(t *testing.T) {
	inv, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	const cli, em, fresh = "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "e9a7fea1-1cc0-4cd9-a31b-9137ca5deedd", "11111111-0000-4000-8000-000000000001"
	inv.Add(App{ID: strings.ToUpper(cli), Name: "Evil", Class: ThirdParty})
	inv.Add(App{ID: cli, Class: Approved})
	inv.Add(App{ID: em, Class: Approved})
	inv.Add(App{ID: fresh, Name: "Fresh", Owner: "72F988BF-86f1-41af-91ab-2d7cd011db47"})
	for id, want := range map[string]string{cli: FirstParty, em: Approved, fresh: FirstParty} {
		if got := inv.Find(id); len(got) != 1 || got[0].Class != want {
			t.Errorf("%s is %+v, want class %s", id, got, want)
		}
	}
	if got := inv.Find(cli)[0].Name; got != "Microsoft Azure CLI" {
		t.Errorf("the name became %q", got)
	}
}

func TestReadList(t *testing.T) {
	const id = "11111111-0000-4000-8000-000000000001"
	for name, c := range map[string]struct {
		text, kind string
		want       App
		wrong      string
	}{
		"full list":     {text: `[{"AppId": "` + id + "Â\u00a0" + `", "AppDisplayName": "A", "AppOwnerOrganizationId": null, "Source": "Graph"}]`, want: App{ID: id, Name: "A", Class: FirstParty, Source: "Graph"}},
		"its owner":     {text: `[{"AppId": "` + id + `", "AppDisplayName": "A", "AppOwnerOrganizationId": "o", "Source": "Graph"}]`, want: App{ID: id, Name: "A", Owner: "o", Class: FirstParty, Source: "Graph"}},
		"family":        {text: "client_id,application_name\n" + id + ",A\n", want: App{ID: id, Name: "A", Class: FirstParty, FOCI: true}},
		"approved":      {text: "\ufeffAppId,Name\n" + id + ",A\n", kind: Approved, want: App{ID: id, Name: "A", Class: Approved}},
		"our own":       {text: "app_id,name,class,foci\n" + id + ",A,third-party,true\n", want: App{ID: id, Name: "A", Class: ThirdParty, FOCI: true}},
		"no id":         {text: "name\nA\n", wrong: "entry 1"},
		"unknown class": {text: "app_id,class\n" + id + ",friend\n", wrong: "the class is"},
		"empty":         {text: "app_id\n", wrong: "it is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "list")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadList(path, c.kind)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("%v, want an error with %q", err, c.wrong)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0] != c.want {
				t.Errorf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// TestPublicLists reads the lists as they are published.
func TestPublicLists(t *testing.T) {
	const dir = "../../../shared/apps"
	if _, err := os.Stat(dir); err != nil {
		t.Skip("../shared/apps is absent")
	}
	full, err := ReadList(filepath.Join(dir, "MicrosoftApps.json"), "")
	if err != nil || len(full) != 4428 {
		t.Errorf("%d applications, %v; want 4428", len(full), err)
	}
	family, err := ReadList(filepath.Join(dir, "known-foci-clients.csv"), "")
	if err != nil || len(family) != 37 || !family[0].FOCI {
		t.Errorf("%d members of the family, %v; want 37", len(family), err)
	}
}

// FuzzList reads any bytes as a list of applications: no panic, and what has an id that is none is refused.
func FuzzList(f *testing.F) {
	for _, seed := range []string{"app_id,name\n11111111-0000-4000-8000-000000000001,A\n", `[{"AppId":"11111111-0000-4000-8000-000000000001","AppDisplayName":null}]`, "\"\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := recordsOf(text)
		if err != nil {
			return
		}
		for _, r := range records {
			if a, err := appOf(r, ""); err == nil && !guid.MatchString(a.ID) {
				t.Errorf("%q is an application of %q", a.ID, text)
			}
		}
	})
}
