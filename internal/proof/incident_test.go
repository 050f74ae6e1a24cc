package proof

import (
	"fmt"
	"os"
	"strings"
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
			whoIsStrange(t, proof)
		})
	}
}

// whoIsStrange holds the strangers of a proof against those that it wants.
func whoIsStrange(t *testing.T, proof string) {
	t.Helper()
	text, err := hunt.Inline(strangers, hunts.Functions)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hunt.Parse("Strangers.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := fromText(os.DirFS("../../hunts"), "Strangers.txtar", []byte(proof))
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
}

// TestWhoseNetwork has people at networks that are theirs, or the organisation's, or anybody's.
func TestWhoseNetwork(t *testing.T) {
	// Six colleagues have their laptops at an exit of a VPN for everybody, day after day; forty others never leave the office.
	const tunnel = `{"_like": "alice-work", "Id": "v%[1]d", "UserPrincipalName": "v%[1]d@example.com", "SessionId": "sv%[1]d", "DeviceDetail": {"deviceId": "laptop-v%[1]d", "operatingSystem": "Windows10"}, "_times": 5, "_every": "24h"}
{"_like": "v%[1]d", "Id": "w%[1]d", "CreatedDateTime": "2026-03-02T19:00:00Z", "IPAddress": "203.0.113.66", "AutonomousSystemNumber": "%[2]s", "_times": 5, "_every": "24h"}
`
	exit := func(carrier string, people int) string {
		var rows strings.Builder
		for i := range people {
			fmt.Fprintf(&rows, tunnel, i, carrier)
		}
		for i := range 40 {
			fmt.Fprintf(&rows, `{"_like": "alice-work", "Id": "o%[1]d", "UserPrincipalName": "o%[1]d@example.com", "SessionId": "so%[1]d", "DeviceDetail": {"deviceId": "laptop-o%[1]d", "operatingSystem": "Windows10"}, "_times": 5, "_every": "24h"}`+"\n", i)
		}
		fmt.Fprintf(&rows, `{"_like": "carol-work", "Id": "x", "CreatedDateTime": "2026-03-12T10:00:00Z", "IPAddress": "203.0.113.66", "AutonomousSystemNumber": "%s", "_times": 2, "_every": "24h"}`+"\n", carrier)
		return rows.String()
	}
	// Erin's factors are given at the office. At home are her phone, which goes about by three networks of a carrier, and her Mac;
	// after a week the line has another address.
	const erin = `{"_like": "carol-work", "Id": "e", "UserPrincipalName": "erin@example.com", "SessionId": "session-erin", "_times": 12, "_every": "24h"}
{"_like": "e", "Id": "er", "CreatedDateTime": "2026-03-02T17:00:00Z", "SessionId": "session-erin-phone", "UserAgent": "Outlook-iOS/4.2535.0", "AutonomousSystemNumber": "64502", "IPAddress": "192.0.2.31", "DeviceDetail": {"operatingSystem": "Ios 18.5"}, "_times": 2, "_every": "24h"}
{"_like": "er", "Id": "er2", "CreatedDateTime": "2026-03-04T17:00:00Z", "IPAddress": "192.0.3.31", "_times": 2, "_every": "24h"}
{"_like": "er", "Id": "eh", "CreatedDateTime": "2026-03-02T21:00:00Z", "IPAddress": "203.0.113.66", "AutonomousSystemNumber": "64666", "_times": 5, "_every": "24h"}
{"_like": "e", "Id": "em", "CreatedDateTime": "2026-03-02T20:00:00Z", "IPAddress": "203.0.113.66", "AutonomousSystemNumber": "64666", "_times": 2, "_every": "48h"}
`
	const next = `{"_like": "eh", "Id": "eh2", "CreatedDateTime": "2026-03-07T21:00:00Z", "IPAddress": "%[1]s", "AutonomousSystemNumber": "%[2]s", "_times": 4, "_every": "24h"}
{"_like": "em", "Id": "em2", "CreatedDateTime": "2026-03-07T20:00:00Z", "IPAddress": "%[1]s", "AutonomousSystemNumber": "%[2]s", "_times": 2, "_every": "24h"}
`
	for name, c := range map[string]struct{ rows, want string }{
		"an exit of a VPN for everybody":       {exit("9009", 6), `{"UserId": "carol@example.com", "EventCount": 2}`},
		"by which a fifth of the people leave": {exit("9009", 13), ""},
		"an office of six":                     {exit("64666", 6), ""},
		"a home where the phone lives":         {erin, `{"UserId": "erin@example.com", "EventCount": 2}` + "\n" + `{"UserId": "erin@example.com", "EventCount": 2}`}, // the phone on the road
		"the line's next address":              {erin + fmt.Sprintf(next, "203.0.114.66", "64666"), `{"UserId": "erin@example.com", "EventCount": 2}` + "\n" + `{"UserId": "erin@example.com", "EventCount": 2}`},
		"another provider's line": {erin + fmt.Sprintf(next, "203.0.114.66", "64777"), `{"UserId": "erin@example.com", "EventCount": 2}` + "\n" + `{"UserId": "erin@example.com", "EventCount": 2}` + "\n" +
			`{"UserId": "erin@example.com", "EventCount": 4}` + "\n" + `{"UserId": "erin@example.com", "EventCount": 2}`},
	} {
		t.Run(name, func(t *testing.T) {
			whoIsStrange(t, "-- with --\ntestdata/background.txtar\n-- AADNonInteractiveUserSignInLogs.jsonl --\n"+c.rows+"-- want.jsonl --\n"+c.want+"\n")
		})
	}
}
