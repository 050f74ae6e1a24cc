package simulate

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func generated(t *testing.T, opt Options) *Tenant {
	t.Helper()
	tenant, err := Generate(opt)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// seeds are fewer in short mode.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return n/10 + 1
	}
	return n
}

// events are all rows of a tenant.
func events(t *testing.T, tenant *Tenant) []event {
	t.Helper()
	var out []event
	err := tenant.world.each(func(day []due) error {
		for _, e := range day {
			out = append(out, *e.event)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryScenario makes each attack with each difficulty it has, and finds every row of its key in the evidence,
// inside of the first and the last of them, and no other row of the victim's from there.
func TestEveryScenario(t *testing.T) {
	for seed := uint64(1); seed <= seeds(3); seed++ {
		tenant := generated(t, Options{Seed: seed, Users: 64, Days: 14, Scenarios: ScenarioNames()})
		if want := len(ScenarioNames()); len(tenant.Key.Incidents) != want {
			t.Errorf("seed %d: %d incidents of %d scenarios", seed, len(tenant.Key.Incidents), want)
			for _, i := range tenant.Key.Incidents {
				t.Log(i.ID, i.Scenario, i.First, i.Last)
			}
		}
		found := map[string]*event{}
		all := events(t, tenant)
		for i := range all {
			found[tableNames[all[i].table]+all[i].key()] = &all[i]
		}
		users := map[string]bool{}
		for _, i := range tenant.Key.Incidents {
			if users[i.User] {
				t.Errorf("seed %d: %s is attacked twice", seed, i.User)
			}
			users[i.User] = true
			for table, ids := range i.EventIDs {
				if !slices.IsSorted(ids) {
					t.Errorf("%s: the ids tell the order of their making", i.Scenario)
				}
				for _, id := range ids {
					e := found[table+id]
					if e == nil {
						t.Fatalf("seed %d, %s: %s %s is in the key and not in the evidence", seed, i.Scenario, table, id)
					}
					if e.table != risks && (e.at.Before(i.First) || e.at.After(i.Last)) {
						t.Errorf("seed %d, %s: a row of %s is outside of %s to %s", seed, i.Scenario, e.at, i.First, i.Last)
					}
				}
			}
			if i.Detectable == (i.Scenario == "probes") {
				t.Errorf("seed %d, %s: detectable is %v", seed, i.Scenario, i.Detectable)
			}
		}
	}
}

// TestUndetectable holds the contract: at most a tenth of the incidents, and the share is said.
func TestUndetectable(t *testing.T) {
	for seed := uint64(1); seed <= seeds(20); seed++ {
		key := generated(t, Options{Seed: seed, Users: 100, Days: 10, Incidents: 20}).Key
		n := 0
		if len(key.Incidents) != 20 {
			t.Errorf("seed %d: %d incidents, want 20: some attack left nothing", seed, len(key.Incidents))
		}
		for _, i := range key.Incidents {
			n += boolInt(!i.Detectable)
		}
		if n > len(key.Incidents)/10 || key.Undetectable != float64(n)/float64(len(key.Incidents)) {
			t.Errorf("seed %d: %d of %d incidents cannot be detected, the key says %.2f", seed, n, len(key.Incidents), key.Undetectable)
		}
	}
}

// TestTraits holds the tenant to what real exports show.
func TestTraits(t *testing.T) {
	tenant := generated(t, Options{Seed: 11, Users: 120, Days: 14, NoAttacks: true})
	var rows, servers, mute, copies, strange, night int
	fans := map[guid]int{}
	seen := map[string]bool{}
	late := 0
	var last time.Time
	for _, e := range events(t, tenant) {
		if e.arrival.Before(last) {
			t.Fatal("rows are not in the order of their arrival")
		}
		last = e.arrival
		if e.table != silent {
			continue
		}
		rows++
		servers += boolInt(e.credential != "none")
		mute += boolInt(e.agent == "" && e.credential != "none")
		strange += boolInt(e.place.net.kind == hosting || e.place.net.kind == anonymizer)
		night += boolInt(e.at.Hour() < 4)
		late += boolInt(e.arrival.Sub(e.at) > time.Hour)
		if seen[e.key()] != e.copy {
			t.Fatalf("%s: copy is %v, but seen before is %v", e.key(), e.copy, seen[e.key()])
		}
		copies += boolInt(e.copy)
		seen[e.key()] = true
		fans[e.correlation]++
	}
	widest := 0
	for _, n := range fans {
		widest = max(widest, n)
	}
	perDay := float64(rows) / 120 / 15
	share := func(n int) float64 { return float64(n) / float64(rows) }
	t.Logf("%d rows, %.0f a user and day; of servers %.2f, mute %.2f, copies %.3f, late %.3f, from hosting and VPNs %.3f, at night %.3f; widest fan %d", rows, perDay, share(servers), share(mute), share(copies), share(late), share(strange), share(night), widest)
	for name, ok := range map[string]bool{
		"50 to 110 silent rows a user and day": perDay > 50 && perDay < 110, "rows of servers are about half": share(servers) > 0.4 && share(servers) < 0.75,
		"most of them have no agent": mute > servers*8/10, "some rows come twice": share(copies) > 0.01 && share(copies) < 0.06, "some are hours late": share(late) > 0.005,
		"one start makes dozens of tokens": widest >= 12, "ordinary people use hosting and VPNs": share(strange) > 0.005 && share(strange) < 0.1, "machines work at night": share(night) > 0.01,
	} {
		if !ok {
			t.Error("not so:", name)
		}
	}
}

// TestTokenIdentifier checks the law of public samples: the identifier is the unpadded base64url of the request's GUID
// in little-endian order.
func TestTokenIdentifier(t *testing.T) {
	// A row of a public capture: 42a0215d-dde0-4fd5-b4d0-a8ed88ae6900 issued XSGgQuDd1U-00KjtiK5pAA.
	e := event{id: guid{0x42, 0xa0, 0x21, 0x5d, 0xdd, 0xe0, 0x4f, 0xd5, 0xb4, 0xd0, 0xa8, 0xed, 0x88, 0xae, 0x69, 0x00}}
	if got := e.tokenID(); got != "XSGgQuDd1U-00KjtiK5pAA" {
		t.Errorf("%s issued %s", e.id, got)
	}
	if n := base64.RawURLEncoding.DecodedLen(len(e.tokenID())); n != 16 {
		t.Errorf("the identifier holds %d bytes", n)
	}
}

// TestSameTenantWithoutAttacks: attacks add rows, and change nobody else's.
func TestSameTenantWithoutAttacks(t *testing.T) {
	calm := generated(t, Options{Seed: 6, Users: 60, Days: 8, NoAttacks: true})
	hit := generated(t, Options{Seed: 6, Users: 60, Days: 8, Incidents: 5})
	victims := map[string]bool{}
	for _, i := range hit.Key.Incidents {
		victims[i.User] = true
	}
	ids := func(tenant *Tenant) map[string]bool {
		out := map[string]bool{}
		for _, e := range events(t, tenant) {
			if e.person != nil && e.table <= silent && !victims[e.person.upn] {
				out[e.key()] = true
			}
		}
		return out
	}
	a, b := ids(calm), ids(hit)
	if len(a) != len(b) {
		t.Errorf("%d rows of those who were not attacked, %d without attacks", len(b), len(a))
	}
	for id := range a {
		if !b[id] {
			t.Fatalf("row %s is gone", id)
		}
	}
}

// TestSameBytes writes one tenant twice.
func TestSameBytes(t *testing.T) {
	var sums [2]map[string][]byte
	for i := range sums {
		dir := t.TempDir()
		if err := generated(t, Options{Seed: 9, Users: 40, Days: 7, Incidents: 5}).WriteTo(dir); err != nil {
			t.Fatal(err)
		}
		sums[i] = map[string][]byte{}
		err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			sums[i][name] = content
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range sums[0] {
		if !bytes.Equal(content, sums[1][name]) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestNoRuleKnowsUs looks for what is invented here in everything that judges: addresses, autonomous systems, agents
// and identifiers of attackers. Microsoft's documented identifiers and the autonomous systems whose business everybody
// knows (published) are facts, and exempt.
func TestNoRuleKnowsUs(t *testing.T) {
	var judges strings.Builder
	for _, root := range []string{"../../hunts", "../finding", "../investigation", "../tenant", "../hunt"} {
		err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() || strings.Contains(path, "testdata") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if !slices.Contains([]string{".yaml", ".yml", ".csv", ".json", ".kql", ".go"}, filepath.Ext(path)) {
				return nil
			}
			content, err := os.ReadFile(path)
			judges.Write(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	text := judges.String()
	if len(text) < 10_000 {
		t.Fatal("the rules were not found: nothing is checked")
	}
	words := map[string]bool{}
	for _, w := range regexp.MustCompile(`[0-9]+`).FindAllString(text, -1) {
		words[w] = true
	}
	for _, known := range [][]string{scriptAgents, serverAgents} {
		for _, agent := range known {
			if agent != "" && strings.ContainsAny(agent, "0123456789") && strings.Contains(text, agent) {
				t.Errorf("a rule knows the agent %s", agent)
			}
		}
	}
	asked := map[string]bool{"": false} // a search of all of the text takes long, and values return with every event
	knows := func(value string) bool {
		known, ok := asked[value]
		if !ok {
			known = strings.Contains(text, value)
			asked[value] = known
		}
		return known
	}
	for seed := uint64(1); seed <= seeds(20); seed++ {
		tenant := generated(t, Options{Seed: seed, Users: 60, Days: 10, Incidents: 20})
		for _, e := range tenant.world.attacks {
			for what, value := range map[string]string{"address": e.place.address, "session": e.session} {
				if knows(value) {
					t.Errorf("seed %d: a rule knows the %s %s", seed, what, value)
				}
			}
			if e.client != nil && e.client.manner == foreign && knows(e.client.id) {
				t.Errorf("seed %d: a rule knows the application %s", seed, e.client.id)
			}
			if n := e.place.net; n != nil && n.asn > 9999 && !slices.Contains(slices.Concat(published[:]...), n.asn) && words[fmt.Sprint(n.asn)] {
				t.Errorf("seed %d: a rule knows the autonomous system %d", seed, n.asn)
			}
		}
	}
}

// TestOptions refuses what it cannot do, by name.
func TestOptions(t *testing.T) {
	for want, opt := range map[string]Options{
		"no scenario is called": {Scenarios: []string{"fishing"}}, "users": {Users: 1}, "half of the users": {Users: 10, Incidents: 6},
	} {
		if _, err := Generate(opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", opt, err)
		}
	}
	if err := generated(t, Options{}).WriteTo(t.TempDir(), "jsonl", "purview"); err == nil || !strings.Contains(err.Error(), "purview") {
		t.Errorf("a shape that holds no table of the tenant: %v", err)
	}
	if err := generated(t, Options{}).WriteTo(t.TempDir(), "papyrus"); err == nil || !strings.Contains(err.Error(), "jsonl") {
		t.Errorf("an unknown shape: %v", err)
	}
}

// counted counts what is written and drops it.
type counted struct{ bytes, rows int }

func (c *counted) Write(p []byte) (int, error) {
	c.bytes += len(p)
	c.rows += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

// BenchmarkRows streams a tenant's rows without writing them to a disk.
func BenchmarkRows(b *testing.B) {
	tenant, err := Generate(Options{Seed: 1, Users: 100, Days: 10, Incidents: 5})
	if err != nil {
		b.Fatal(err)
	}
	var out counted
	for b.Loop() {
		if err := tenant.Stream(&out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(out.bytes)/float64(out.rows), "bytes/row")
}

// fullDisk takes some writes and fails then.
type fullDisk struct{ left int }

func (d *fullDisk) Write(p []byte) (int, error) {
	if d.left--; d.left < 0 {
		return 0, errors.New("the disk is full")
	}
	return len(p), nil
}

// TestFullDisk: what cannot be written ends the making of rows, with the reason, and leaves nobody at work.
func TestFullDisk(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, left := range []int{0, 1, 7} {
		d := &fullDisk{left: left}
		if err := generated(t, Options{Seed: 2, Users: 40, Days: 7}).Stream(d); err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("after %d writes: %v", left, err)
		}
		if d.left != -1 {
			t.Errorf("%d writes after the first that failed", -1-d.left)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left over", runtime.NumGoroutine()-before)
}

// TestDocs: the page of the laboratory names every scenario and every population.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/laboratory.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range ScenarioNames() {
		if !bytes.Contains(page, []byte("\n| "+name+" |")) {
			t.Errorf("docs/laboratory.md does not describe the scenario %s", name)
		}
	}
	for _, p := range populations {
		if !regexp.MustCompile(`\b` + p.name + `[,.]`).Match(page) {
			t.Errorf("docs/laboratory.md does not name the population %s", p.name)
		}
	}
}

// TestOneTable: the rows of one table are those that it has in the whole tenant.
func TestOneTable(t *testing.T) {
	written := func(table string) (files int, content string) {
		dir := t.TempDir()
		tenant, err := Generate(Options{Seed: 5, Users: 3, Days: 7, Table: table})
		if err == nil {
			err = tenant.WriteTo(dir, "jsonl")
		}
		if err != nil {
			t.Fatal(err)
		}
		paths, _ := filepath.Glob(filepath.Join(dir, "evidence", "*.jsonl"))
		text, err := os.ReadFile(filepath.Join(dir, "evidence", "SigninLogs.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		return len(paths), string(text)
	}
	_, want := written("")
	if files, got := written("SigninLogs"); files != 1 || got != want || want == "" {
		t.Errorf("%d files, want one with the rows of the whole tenant", files)
	}
}
