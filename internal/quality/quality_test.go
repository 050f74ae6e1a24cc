package quality

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// key is a tenant of ten users: an attack of four rows that can be found, a hard one of one row, and an undetectable one.
const key = `{"seed": 9, "incidents": [
 {"id": "A", "user": "ann@x", "scenario": "cli", "difficulty": "easy", "detectable": true, "first": "2026-03-10T10:00:00Z", "last": "2026-03-10T12:00:00Z",
  "event_ids": {"AADNonInteractiveUserSignInLogs": ["a1", "a2", "a3"], "SigninLogs": ["a4"], "AuditLogs": ["a5"]}},
 {"id": "B", "user": "bob@x", "scenario": "slow", "difficulty": "hard", "detectable": true, "first": "2026-03-11T10:00:00Z", "last": "2026-03-11T10:00:00Z",
  "event_ids": {"AADNonInteractiveUserSignInLogs": ["b1"]}},
 {"id": "C", "user": "cid@x", "scenario": "slow", "difficulty": "hard", "detectable": false, "event_ids": {"AADNonInteractiveUserSignInLogs": ["c1"]}}],
 "benign": [{"user": "dan@x", "population": "traveller"}, {"user": "e@x"}, {"user": "f@x"}, {"user": "g@x"}, {"user": "h@x"}, {"user": "i@x"}, {"user": "j@x"}]}`

// hunt finds A with one foreign row and without one of its own, accuses a traveller, and hits the victim of B but not
// B's rows.
const hunt = `{"evidence": {"tables": [
  {"table": "SigninLogs", "rows": 100, "first": "2026-03-05T00:00:00Z", "last": "2026-03-14T00:00:00Z"},
  {"table": "AADNonInteractiveUserSignInLogs", "rows": 900, "first": "2026-03-04T00:00:00Z", "last": "2026-03-14T00:00:00Z"},
  {"table": "AuditLogs", "rows": 10, "first": "2026-01-01T00:00:00Z", "last": "2026-03-14T00:00:00Z"}]},
 "findings": [
  {"id": "F1", "user": "ann@x", "verdict": "confirmed", "score": 99, "first_seen": "2026-03-10T09:57:00Z", "last_seen": "2026-03-10T11:59:00Z", "event_ids": ["a1", "a2", "a3", "x1"],
   "events": [{"table": "AADNonInteractiveUserSignInLogs", "key": "x1", "time": "2026-03-10T09:57:00Z", "role": "attacker"},
              {"table": "AADNonInteractiveUserSignInLogs", "key": "a2", "time": "2026-03-10T10:30:00Z", "role": "attacker"}],
   "signals": [{"id": "s", "event_ids": ["x1", "a2"]}]},
  {"id": "F2", "user": "dan@x", "verdict": "likely", "score": 85, "event_ids": ["d1"]},
  {"id": "F3", "user": "bob@x", "verdict": "suspicious", "score": 61, "event_ids": ["b2"],
   "events": [{"table": "SigninLogs", "key": "b1", "role": "victim"}]}],
 "explained": [{"user": "bob@x", "because": "roams", "signals": ["novel"]}]}`

func judged(t *testing.T) Run {
	t.Helper()
	h, k, err := Read([]byte(hunt), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return Judge(h, k)
}

func TestMeasure(t *testing.T) {
	f := Measure([]Run{judged(t)})
	if f.Rows != 1010 || f.Incidents != 3 || f.Undetectable != 1 {
		t.Errorf("%d rows, %d incidents, %d undetectable; want 1010, 3, 1", f.Rows, f.Incidents, f.Undetectable)
	}
	// Ten users over the ten days that the sign-ins span: one false finding is 10 in 1,000 users and a day.
	for i, want := range []struct{ found, findings, wrong int }{{1, 1, 0}, {1, 2, 1}, {1, 3, 2}} {
		x := f.Thresholds[i]
		if x.Detectable != 2 || x.Found != want.found || x.Findings != want.findings || x.False != want.wrong || x.FalseRate != float64(10*want.wrong) {
			t.Errorf("at %s: %+v, want %+v", x.Verdict, x, want)
		}
	}
	e, m := f.Thresholds[0].Events, f.Thresholds[0].Minutes
	if e.PrecisionMedian != 0.75 || e.RecallMedian != 0.75 { // three of four named rows, three of four sign-ins
		t.Errorf("event precision and recall are %v and %v, want 0.75 each", e.PrecisionMedian, e.RecallMedian)
	}
	if m.FirstErrorMedian != 3 || m.LastErrorMedian != 1 || m.FirstSignalMedian != 30 {
		t.Errorf("minutes %+v, want the first 3 early, the last 1 early, the first reason at 30", m)
	}
	if m.Within != 0 { // the beginning is three minutes early
		t.Errorf("%v of the bounds are true to the minute, want none", m.Within)
	}
	if got := f.Thresholds[2].Difficulties; len(got) != 2 || got[0].Name != "easy" || got[0].Found[0] != 1 || got[1].Found[0] != 0 {
		t.Errorf("difficulties %+v", got)
	}
	if got := f.Early[0]; got.Found != 1 || got.Possible != 2 || got.Recall != 0.5 {
		t.Errorf("of the first ten: %+v", got)
	}
	if got := f.Reliability; len(got) != 3 || got[2].From != 90 || got[2].True != 1 || got[1].True != 0 {
		t.Errorf("reliability %+v", got)
	}
}

// TestIncidentWithoutReason has an incident none of whose rows is itself a reason: it says nothing about the time to the first.
func TestIncidentWithoutReason(t *testing.T) {
	none := judged(t)
	none.Incidents[0].At = []Match{{Found: true}, {Found: true}, {Found: true}}
	f := Measure([]Run{judged(t), none})
	if x := f.Thresholds[0]; x.Found != 2 || x.Minutes.FirstSignalMedian != 30 {
		t.Errorf("%d found, the first reason at %v minutes in the median; want 2, and 30 of the one that has any", x.Found, x.Minutes.FirstSignalMedian)
	}
	h, k, err := Read([]byte(strings.Replace(hunt, `"event_ids": ["x1", "a2"]`, `"event_ids": ["x1"]`, 1)), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if r := Judge(h, k); r.Incidents[0].At[0].Reasoned {
		t.Error("a foreign row is taken for a reason")
	}
}

func TestQuantileIsTheNearestRank(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3, 6, 7, 8, 9, 10}
	for q, want := range map[float64]float64{0.1: 1, 0.5: 5, 0.9: 9, 1: 10} {
		if got := quantile(slices.Clone(values), q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
}

func TestRowsOfOtherTablesCountByTheirOwnKey(t *testing.T) {
	h, k, err := Read([]byte(`{"findings": [{"user": "ann@x", "verdict": "likely", "events": [{"table": "AuditLogs", "key": "a5", "role": "attacker"}]}]}`), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	if r := Judge(h, k); !r.Findings[0].True() || !r.Incidents[0].At[1].Found {
		t.Error("a finding that names the attacker's audit row is false")
	}
}

func TestWorse(t *testing.T) {
	measured := func() Figures {
		f := Measure([]Run{judged(t)})
		f.Seeds, f.Users, f.Days = "1-2", 200, 30
		return f
	}
	good := measured()
	if got := Worse(good, good); len(got) > 0 {
		t.Errorf("equal figures are worse: %v", got)
	}
	for name, spoil := range map[string]func(*Figures){
		"recall":                 func(f *Figures) { f.Thresholds[1].Recall = 0 },
		"false findings":         func(f *Figures) { f.Thresholds[2].FalseRate++ },
		"median event precision": func(f *Figures) { f.Thresholds[0].Events.PrecisionMedian -= 0.1 },
		"recall of easy":         func(f *Figures) { f.Thresholds[0].Difficulties[0].Found = []int{0} },
		"recorded of other tenants: seeds 1-2 of 200 users": func(f *Figures) { f.Days, f.Thresholds[1].Recall = 31, 0 },
		"1 confirmed findings in 5 tenants":                 func(f *Figures) { f.Clean = &Clean{Tenants: 5, Findings: []int{1, 1, 1}} },
	} {
		bad := measured()
		spoil(&bad)
		if got := Worse(good, bad); len(got) != 1 || !strings.HasPrefix(got[0], name) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDebug(t *testing.T) {
	dir := t.TempDir()
	if err := WriteDebug(dir, []Run{judged(t)}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string][]string{
		"missed.jsonl":  {`"incident":"B"`, `"because":"roams"`, `"incident":"C"`, `"other_findings":["F3"]`},
		"false.jsonl":   {`"population":"traveller"`, `"population":"victim of slow"`},
		"partial.jsonl": {`"foreign":["x1"]`, `"lacking":["a4"]`},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(text), w) {
				t.Errorf("%s lacks %s:\n%s", file, w, text)
			}
		}
	}
}

func TestAnswerOfABaseline(t *testing.T) {
	got, err := Answer([]byte(`{"columns": [{"name": "UserPrincipalName"}, {"name": "FirstSeen"}, {"name": "LastSeen"}, {"name": "EventIds"}],
 "rows": [["ann@x", "2026-03-10T10:00:00Z", "2026-03-10T10:00:00Z", ["a1"]]]}`))
	if err != nil || len(got) != 1 || got[0].User != "ann@x" || !slices.Equal(got[0].EventIDs, []string{"a1"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Answer([]byte(`{"columns": [{"name": "UserPrincipalName"}], "rows": [["ann@x"]]}`)); err == nil {
		t.Error("an answer without EventIds is taken")
	}
}

// TestBoardIsFresh wants docs/quality.md to be what quality.json says.
func TestBoardIsFresh(t *testing.T) {
	record, err := ReadRecord("../../quality.json")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/quality.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != Board(record) {
		t.Error("docs/quality.md is not made from quality.json: run make quality-update")
	}
	text, err := record.Text()
	if err != nil || !json.Valid(text) {
		t.Errorf("the record does not render: %v", err)
	}
}

func TestLabel(t *testing.T) {
	_, k, err := Read([]byte(hunt), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	all, err := ReadCandidates([]byte(`{"user_id": "ann", "spots": ["home", "far"], "signals": [{"id": "s"}]}
{"user_id": "bob", "spots": ["far"], "signals": [{"id": "s", "event_ids": ["x"]}]}
{"user_id": "bob", "spots": [], "signals": [{"id": "s", "event_ids": ["x", "b1"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	Label(all, []Place{{"ann", "far"}}, k)
	for i, want := range []bool{true, false, true} {
		if all[i].Attack != want {
			t.Errorf("candidate %d: attack %v, want %v", i, all[i].Attack, want)
		}
	}
}
