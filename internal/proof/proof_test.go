package proof

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/replaytrace/replaytrace/internal/hunt"
)

// rule speaks of scripts that redeem a token more than once.
const rule = `id: 00000000-0000-0000-0000-000000000001
name: Scripts
query: |
  let Office = toscalar(_GetWatchlist("Office") | summarize make_set(ip));
  AADNonInteractiveUserSignInLogs
  | where UserAgent startswith "curl" and TimeGenerated > ago(7d) and not(set_has_element(Office, IPAddress))
  | summarize EventCount = count(), EventIds = make_set(Id), FirstSeen = min(CreatedDateTime), LastSeen = max(CreatedDateTime) by HomeTenantId, UserId, UserPrincipalName, IPAddress
  | where EventCount > 1
  | extend Evidence = "a script"
replaytrace:
  role: signal
  strength: weak
`

const evidence = `What it shows.
-- AADNonInteractiveUserSignInLogs.jsonl --
// Eve's script redeems three times, two hours apart.
{"Id": "e", "CreatedDateTime": "2026-03-10T10:00:00Z", "UserPrincipalName": "eve@x", "IPAddress": "203.0.113.7", "UserAgent": "curl/8", "_times": 3, "_every": "2h"}
// Ann's does, too, at the office.
{"_like": "e", "Id": "a", "UserPrincipalName": "ann@x", "IPAddress": "198.51.100.1", "_times": 2, "_every": "1h"}
-- watchlist/Office.csv --
ip
198.51.100.1
`

// people is what several proofs share; that a rule is silent about Ann proves nothing.
const people = `Bob and Ann with their browsers.
-- AADNonInteractiveUserSignInLogs.jsonl --
{"Id": "bob", "CreatedDateTime": "2026-03-09T10:00:00Z", "UserPrincipalName": "bob@x", "IPAddress": "203.0.113.8", "UserAgent": "Mozilla/5.0"}
{"_like": "bob", "Id": "ann", "UserPrincipalName": "ann@x"}
`

// theft has a script redeem what Bob's browser had, and names what is strange about it.
const theft = `-- with --
people.txtar
-- AADNonInteractiveUserSignInLogs.jsonl --
{"_like": "bob", "Id": "t", "UserAgent": "curl/8", "_times": 2, "_every": "1h"}
-- want.jsonl --
{"UserId": "bob@x", "EventIds": ["t", "t-2"]}
-- decisive --
`

// more is what several proofs share.
const more = "-- AADNonInteractiveUserSignInLogs.jsonl --\n" + `{"_like": "e", "Id": "x", "UserPrincipalName": "xan@x", "_times": 2, "_every": "1m"}`

func proved(t *testing.T, text string) []string {
	t.Helper()
	h, err := hunt.Parse("Scripts.yaml", []byte(rule))
	if err != nil {
		t.Fatal(err)
	}
	p, err := fromText(fstest.MapFS{"more.txtar": {Data: []byte(more)}, "people.txtar": {Data: []byte(people)}}, "Scripts.txtar", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := p.Run(context.Background(), &h)
	if err != nil {
		t.Fatal(err)
	}
	return wrong
}

const right = `{"UserId": "eve@x", "IPAddress": "203.0.113.7", "EventCount": 3, "EventIds": ["e-3", "e", "e-2"], "FirstSeen": "2026-03-10T10:00:00Z"}`

func TestRun(t *testing.T) {
	for name, c := range map[string]struct{ text, wrong string }{
		"as wanted":            {evidence + "-- want.jsonl --\n" + right + "\n-- decisive --\nUserAgent\n", ""},
		"another number":       {evidence + "-- want.jsonl --\n" + strings.Replace(right, "3,", "4,", 1), "missing: "},
		"a row too many":       {evidence + "-- want.jsonl --\n", "not wanted: "},
		"what is shared":       {theft + "UserAgent\n", "there is no benign look-alike"},
		"not decisive in it":   {theft + "IPAddress\n", "without the column IPAddress there is still"},
		"nothing decisive":     {evidence + "-- want.jsonl --\n" + right + "\n-- decisive --\nResultType\n", "without the column ResultType there is still"},
		"later":                {evidence + "-- want.jsonl --\n-- as-of --\n2026-05-01T00:00:00Z\n", ""},
		"with another file":    {evidence + "-- with --\nmore.txtar\n-- want.jsonl --\n" + right + "\n" + `{"UserId": "xan@x", "EventIds": ["x", "x-2"]}`, ""},
		"nobody is innocent":   {strings.Replace(evidence, "\n198.51.100.1", "\n198.51.100.2", 1) + "-- want.jsonl --\n" + right + "\n" + `{"UserId": "ann@x"}`, "there is no benign look-alike"},
		"a guard that is gone": {strings.Replace(evidence, "\n198.51.100.1", "\n198.51.100.2", 1) + "-- want.jsonl --\n" + right, "not wanted: "},
	} {
		t.Run(name, func(t *testing.T) {
			wrong := proved(t, c.text)
			if c.wrong == "" && len(wrong) > 0 || c.wrong != "" && !slices.ContainsFunc(wrong, func(w string) bool { return strings.HasPrefix(w, c.wrong) }) {
				t.Errorf("%q, want %q", wrong, c.wrong)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"-- want.jsonl --\n": "it needs rows",
		"-- SigninLogs.jsonl --\n{\"Id\": \"a\", \"CreatedDateTime\": \"2026-03-10T10:00:00Z\"}\n":    "it needs rows",
		"-- SigninLogs.jsonl --\n{\"Id\": \"a\"}\n-- want.jsonl --\n":                                 "it has none of",
		"-- SigninLogs.jsonl --\n{\"CreatedDateTime\": \"2026-03-10T10:00:00Z\"}\n-- want.jsonl --\n": "a row has none of Id",
		"-- SigninLogs.jsonl --\n{\"_like\": \"b\", \"Id\": \"a\"}\n-- want.jsonl --\n":               "no row above",
		"-- SigninLogs.jsonl --\n{\"Id\": \"a\", \"CreatedDateTime\": \"x\"}\n-- want.jsonl --\n":     "CreatedDateTime",
		"-- wants.txt --\n":        "no such section",
		"-- with --\nnone.txtar\n": "none.txtar",
		"-- SigninLogs.jsonl --\n{\"Id\": \"a\", \"CreatedDateTime\": \"2026-03-10T10:00:00Z\", \"_times\": 2}\n-- want.jsonl --\n": "_every",
	} {
		if _, err := fromText(fstest.MapFS{}, "x.txtar", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

// TestWatchlistOfAProof: one that is empty is told from one that is no CSV.
func TestWatchlistOfAProof(t *testing.T) {
	h, err := hunt.Parse("R.yaml", []byte("id: x\nname: y\nquery: SigninLogs\n"))
	if err != nil {
		t.Fatal(err)
	}
	for list, want := range map[string]string{"": "x.txtar: watchlist L has no header", "a\n\"": "x.txtar: watchlist L is no CSV: "} {
		p, err := fromText(fstest.MapFS{}, "x.txtar", []byte(evidence+"-- want.jsonl --\n-- watchlist/L.csv --\n"+list))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(t.Context(), &h); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "%!") {
			t.Errorf("%q: %v, want %q", list, err, want)
		}
	}
}

// TestProofThatNamesItself wants an error of what would have no end, and of what would fill the memory.
func TestProofThatNamesItself(t *testing.T) {
	fsys := fstest.MapFS{
		"one.txtar": {Data: []byte("-- with --\ntwo.txtar\n")},
		"two.txtar": {Data: []byte("-- with --\none.txtar\n")},
	}
	if _, err := fromText(fsys, "one.txtar", fsys["one.txtar"].Data); err == nil || !strings.Contains(err.Error(), "one.txtar names itself") {
		t.Errorf("%v, want an error that says so", err)
	}
	const many = "-- SigninLogs.jsonl --\n" + `{"Id": "a", "TimeGenerated": "2026-03-09T10:00:00Z", "_times": 1e15, "_every": "1s"}`
	if _, err := fromText(fsys, "many.txtar", []byte(many)); err == nil || !strings.Contains(err.Error(), "_times is 1 to 10000") {
		t.Errorf("%v, want an error that says how many may be", err)
	}
}

// FuzzProof reads any text as a proof: no panic and an end.
func FuzzProof(f *testing.F) {
	f.Add(evidence)
	f.Add(theft)
	f.Add("-- with --\nself.txtar\n-- as-of --\nx\n")
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{"people.txtar": {Data: []byte(people)}, "self.txtar": {Data: []byte(text)}}
		if p, err := fromText(fsys, "self.txtar", []byte(text)); err == nil {
			_, _ = p.Without("UserAgent") // what it leaves may be no proof
		}
	})
}
