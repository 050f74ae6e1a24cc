package proof

import (
	"os"
	"testing"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/hunt"
)

// strangers speaks of every presence that is not the user's own.
const strangers = `id: 00000000-0000-0000-0000-000000000002
name: Strangers
query: |
  // functions: Activity Presence Suspects
  Suspects | project UserId, EventCount = Events
replaytrace:
  role: context
`

// TestIncidentTeachesNothing has a device come on the third day of the evidence, at a foreign network. Three days are what
// is learned from, so it is the user's; unless the incident began before it came. A window from before the evidence on
// leaves nothing else to learn from.
func TestIncidentTeachesNothing(t *testing.T) {
	text, err := hunt.Inline(strangers, hunts.Functions)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hunt.Parse("Strangers.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	const came = `-- with --
testdata/background.txtar
-- AADNonInteractiveUserSignInLogs.jsonl --
{"_like": "alice-work", "Id": "x", "CreatedDateTime": "2026-03-04T10:10:00Z", "IPAddress": "203.0.113.66", "AutonomousSystemNumber": "64666", "DeviceDetail": {"deviceId": "device-x", "operatingSystem": "Windows10"}, "_times": 3, "_every": "24h"}
`
	const found = `{"UserId": "alice@example.com", "EventCount": 3}` + "\n"
	for name, c := range map[string]struct{ window, want string }{
		"no window":                   {"", ""},
		"before it came":              {"start,end\n2026-03-04T00:00:00Z,2026-03-10T00:00:00Z\n", found},
		"after it came":               {"start,end\n2026-03-05T00:00:00Z,2026-03-10T00:00:00Z\n", ""},
		"from before the evidence on": {"start,end\n2026-02-20T00:00:00Z,2026-03-10T00:00:00Z\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			proof := came + "-- want.jsonl --\n" + c.want
			if c.window != "" {
				proof += "-- watchlist/IncidentWindow.csv --\n" + c.window
			}
			p, err := fromText(os.DirFS("../../hunts"), "Incident.txtar", []byte(proof))
			if err != nil {
				t.Fatal(err)
			}
			rows, err := p.ask(t.Context(), &h)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := p.compare(rows); len(wrong) > 0 {
				t.Errorf("%q", wrong)
			}
		})
	}
}
