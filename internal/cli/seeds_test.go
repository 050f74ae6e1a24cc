package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/investigation"
	"github.com/replaytrace/replaytrace/internal/simulate"
)

// oneThread is for tests that hunt beside each other: with more than one thread each they keep each other waiting, and a hunt of
// a small tenant takes a quarter more of the processors. TestOrderAndThreads holds that the result does not depend on it.
const oneThread = "--threads=1"

// hunted runs the command line over a folder and returns the result.
func hunted(t *testing.T, args ...string) *investigation.Investigation {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append([]string{"hunt", "--format", "json"}, args...), Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs.String())
	}
	var inv investigation.Investigation
	if err := json.Unmarshal(out.Bytes(), &inv); err != nil {
		t.Fatal(err)
	}
	return &inv
}

// TestTwentySeeds is the promise of the main job: the one replayed token, all of its events and no other, and nobody
// else accused.
func TestTwentySeeds(t *testing.T) {
	t.Parallel()
	seeds := 20
	if testing.Short() {
		seeds = 2
	}
	for seed := 1; seed <= seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir, tenant := simulated(t, simulate.Options{Seed: uint64(seed)}, "jsonl")
			inv := hunted(t, fmt.Sprintf("--threads=%d", 1+seed%2), filepath.Join(dir, "evidence"))
			checkAgainstKey(t, inv, &tenant.Key)
		})
	}
}

func checkAgainstKey(t *testing.T, inv *investigation.Investigation, key *simulate.AnswerKey) {
	t.Helper()
	incident := key.Incidents[0]
	if len(inv.Findings) != 1 {
		for _, f := range inv.Findings {
			t.Log(f.User, f.Verdict, f.Score, f.SourceIPs, f.Summary)
		}
		t.Fatalf("%d findings, want the one of %s", len(inv.Findings), incident.User)
	}
	f := inv.Findings[0]
	if f.User != incident.User || f.Verdict != "confirmed" {
		t.Errorf("%s is %s, want %s confirmed", f.User, f.Verdict, incident.User)
	}
	if want := incident.EventIDs["AADNonInteractiveUserSignInLogs"]; !slices.Equal(f.EventIDs, want) {
		t.Errorf("%d event ids, the answer key has %d", len(f.EventIDs), len(want))
	}
	if !slices.Equal(f.SourceIPs, incident.SourceIPs) {
		t.Errorf("addresses %v, the answer key has %v", f.SourceIPs, incident.SourceIPs)
	}
	if f.VisibleInSigninLog != 0 {
		t.Errorf("%d events are said to be visible in SigninLogs", f.VisibleInSigninLog)
	}
	if len(f.Persistence) == 0 {
		t.Error("the consented application is missing")
	}
	for _, file := range inv.Evidence.Files {
		if file.RowsRead != file.RowsLoaded+file.RowsDuplicate+file.RowsRejected {
			t.Errorf("%s: %d read, but %d + %d + %d", file.Path, file.RowsRead, file.RowsLoaded, file.RowsDuplicate, file.RowsRejected)
		}
	}
}

// simulated writes a simulated tenant into a folder, in the shapes named or the usual ones.
func simulated(t *testing.T, opt simulate.Options, shapes ...string) (dir string, tenant *simulate.Tenant) {
	t.Helper()
	tenant, err := simulate.Generate(opt)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := tenant.WriteTo(dir, shapes...); err != nil {
		t.Fatal(err)
	}
	return dir, tenant
}

// TestShapesAgree hunts the same rows as portal CSV, and in both shapes at once.
func TestShapesAgree(t *testing.T) {
	t.Parallel()
	dir, tenant := simulated(t, simulate.Options{Seed: 3})
	for _, paths := range [][]string{{"portal-csv"}, {"evidence", "portal-csv"}} {
		var full []string
		for _, p := range paths {
			full = append(full, filepath.Join(dir, p))
		}
		checkAgainstKey(t, hunted(t, full...), &tenant.Key)
	}
}

// TestSameBytes runs the same evidence twice.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	dir, _ := simulated(t, simulate.Options{Seed: 5})
	var runs [2]bytes.Buffer
	for i := range runs {
		var errs bytes.Buffer
		if code := Main([]string{"hunt", "--format", "json", filepath.Join(dir, "evidence")}, Streams{In: strings.NewReader(""), Out: &runs[i], Err: &errs}); code != exitOK {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
	}
	if !bytes.Equal(runs[0].Bytes(), runs[1].Bytes()) {
		t.Error("two runs over the same evidence differ")
	}
}
