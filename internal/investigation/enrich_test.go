package investigation

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

var noon = time.Date(2026, 3, 18, 12, 0, 0, 0, time.UTC)

// at is a row some minutes after noon.
func at(minutes int, ip string) signIn {
	return signIn{rowKey: rowKey{table: "AADNonInteractiveUserSignInLogs", ip: ip, at: noon.Add(time.Duration(minutes) * time.Minute)}}
}

// TestNetworksInOneOrder has networks that begin at the same moment: they stand by their addresses.
func TestNetworksInOneOrder(t *testing.T) {
	rows := []signIn{at(0, "192.0.2.9"), at(0, "192.0.2.3"), at(0, "192.0.2.7"), at(0, "192.0.2.1"), at(-1, "203.0.113.5"), at(5, "198.51.100.1")}
	his := []bool{true, true, true, true, true, false}
	for range 20 {
		f := finding.Finding{}
		(&builder{}).networks(&f, rows, his)
		got := ""
		for _, n := range f.Networks {
			got += n.IP + " "
		}
		if want := "203.0.113.5 192.0.2.1 192.0.2.3 192.0.2.7 192.0.2.9 "; got != want {
			t.Fatalf("the networks are %s, want %s", got, want)
		}
	}
}

// TestMark tells the attacker's rows from the user's. Rows without a spot say nothing about their caller: they are the
// attacker's at an address that only he had, in a session that he held there or within an hour of his own rows.
func TestMark(t *testing.T) {
	spotted := func(r signIn, spot string) signIn { r.spot, r.own = spot, spot == "own"; return r }
	named := at(10, "192.0.2.1")
	named.id, named.presence = "named", presence{"own", true}
	in := func(r signIn, session string) signIn { r.session = session; return r }
	rows := []signIn{
		at(-61, "192.0.2.66"),                              // too early
		at(-60, "192.0.2.66"),                              // in time
		in(spotted(at(0, "192.0.2.66"), "strange"), "his"), // of the finding's spot
		in(spotted(at(1, "192.0.2.1"), "own"), "his"),      // the user's, in the session that both hold
		at(2, "192.0.2.1"),                                 // at an address that the user had, too
		at(3, "192.0.2.2"),                                 // at nobody's
		named,                                              // that a signal names
		at(70, "192.0.2.66"),                               // an hour after the last of his own
		at(71, "192.0.2.66"),                               // later
		in(at(3000, "192.0.2.66"), "his"),                  // later, in the session that he held there
		in(at(3001, "192.0.2.66"), "another"),              // in another one
		in(at(3002, "192.0.2.1"), "his"),                   // in his, at the user's address
	}
	his := mark(&finding.Finding{Spots: []string{"strange"}, EventIDs: []string{"named"}}, rows)
	for i, want := range []bool{false, true, true, false, false, false, true, true, false, true, false, false} {
		if his[i] != want {
			t.Errorf("row %d at %s: the attacker's is %v, want %v", i, rows[i].ip, his[i], want)
		}
	}
}

// TestMarkFollowsHimAtHisAddresses has rows at the addresses of a finding that are of none of its spots: a token is tried by
// another client after it was revoked, and rows that say nothing about their caller lie beside it.
func TestMarkFollowsHimAtHisAddresses(t *testing.T) {
	row := func(minutes int, ip, spot, session string) signIn {
		r := at(minutes, ip)
		r.presence, r.session = presence{spot, spot == "own"}, session
		return r
	}
	rows, his := []signIn{}, []bool{}
	for _, c := range []struct {
		row  signIn
		want bool
	}{
		{row(-3061, "192.0.2.67", "another", ""), false},   // before he came
		{row(-3000, "192.0.2.66", "another", "his"), true}, // in the session that he held there
		{row(0, "192.0.2.66", "strange", "his"), true},     // of the finding's spot
		{row(1, "192.0.2.67", "strange", "his"), true},
		{row(2, "192.0.2.68", "strange", "his"), true},
		{row(3, "192.0.2.68", "another", "his"), false}, // where the user was, too
		{row(4, "192.0.2.68", "own", "his"), false},
		{row(5, "192.0.2.69", "another", "his"), false}, // at no address of his
		{row(6, "192.0.2.66", "", ""), true},            // of an application, beside him
		{row(7, "192.0.2.68", "", "his"), false},        // of an application, where the user was, too
		{row(3000, "192.0.2.66", "another", "his"), true},
		{row(4000, "192.0.2.66", "a third", "new"), true}, // with a token that he was given anew
		{row(4001, "192.0.2.66", "", ""), true},
	} {
		rows, his = append(rows, c.row), append(his, c.want)
	}
	if got := mark(&finding.Finding{Spots: []string{"strange"}}, rows); !slices.Equal(got, his) {
		t.Errorf("the attacker's are %v, want %v", got, his)
	}
}

// TestCount has ids of calls in a finding that no sign-in shows: its own ids are those of sign-ins only, and what is counted
// are the calls. Where sign-ins show it, they alone count.
func TestCount(t *testing.T) {
	calls := []finding.Event{{Table: "MicrosoftGraphActivityLogs", Role: finding.Attacker}, {Table: "AuditLogs", Role: finding.Control}}
	f := finding.Finding{EventIDs: []string{"call", "consent"}}
	(&builder{}).events(&f, []signIn{at(0, "192.0.2.1")}, []bool{false})
	f.Events = append(f.Events, calls...)
	if count(&f); len(f.EventIDs) != 0 || f.EventCount != 2 {
		t.Errorf("sign-ins %v, %d events; want none and 2", f.EventIDs, f.EventCount)
	}
	theft := at(0, "192.0.2.66")
	theft.id = "theft"
	f = finding.Finding{EventIDs: []string{"call"}}
	(&builder{}).events(&f, []signIn{theft}, []bool{true})
	f.Events = append(f.Events, calls...)
	if count(&f); !slices.Equal(f.EventIDs, []string{"theft"}) || f.EventCount != 1 {
		t.Errorf("sign-ins %v, %d events; want the theft and 1", f.EventIDs, f.EventCount)
	}
}

// TestRoles has a session that both hold: beside the attacker's rows stand the sign-in that began it, the user's last row
// before he came and the first after, and nothing of sessions that he does not hold.
func TestRoles(t *testing.T) {
	row := func(minutes int, session string, change func(*signIn)) signIn {
		r := at(minutes, "192.0.2.1")
		r.session, r.spot, r.result = session, "own", "0"
		if change != nil {
			change(&r)
		}
		return r
	}
	interactive := func(r *signIn) { r.table = "SigninLogs" }
	stolen := func(r *signIn) { r.ip = "192.0.2.66" }
	var rows []signIn
	var his []bool
	var want []finding.Role
	for _, c := range []struct {
		row  signIn
		want finding.Role
	}{
		{row(0, "s", interactive), finding.Root},
		{row(1, "s", nil), ""},
		{row(2, "s", nil), finding.Victim},
		{row(3, "s", func(r *signIn) { r.spot = "" }), ""},
		{row(4, "s", func(r *signIn) { r.result = "50173" }), ""},
		{row(5, "another", interactive), ""},
		{row(6, "", interactive), ""},
		{row(7, "begun before", nil), finding.Victim},
		{row(10, "s", stolen), finding.Attacker},
		{row(10, "begun before", stolen), finding.Attacker},
		{row(10, "", stolen), finding.Attacker},
		{row(11, "s", stolen), finding.Attacker},
		{row(12, "s", interactive), finding.Victim},
		{row(13, "s", nil), ""},
	} {
		rows, his, want = append(rows, c.row), append(his, c.want == finding.Attacker), append(want, c.want)
	}
	if got := rolesOf(rows, his); !slices.Equal(got, want) {
		t.Errorf("the rows are %q, want %q", got, want)
	}
}

// TestBounds has a session of the user's that the attacker holds, and a result that says that the token was dead.
func TestBounds(t *testing.T) {
	root, theft, end := at(-600, "192.0.2.1"), at(0, "192.0.2.66"), at(30, "192.0.2.66")
	root.session, theft.session = "s", "s"
	end.dead = true
	asOf := noon.Add(time.Hour)
	f := finding.Finding{SessionIDs: []string{"s"}, FirstSeen: theft.at, LastSeen: theft.at}
	if first, last := bounds(&f, []signIn{root, theft, end}, []bool{false, true, true}, asOf); !first.Equal(root.at) || !last.Equal(end.at) {
		t.Errorf("from %s to %s, want the root of the session and the dead token", first, last)
	}
	if first, last := bounds(&f, []signIn{theft}, []bool{true}, asOf); !first.Equal(theft.at) || !last.Equal(asOf) {
		t.Errorf("from %s to %s, want what is proved and the end of the evidence", first, last)
	}
	f.FirstSeenCensored = true
	other := at(-30, "192.0.2.1")
	if first, _ := bounds(&f, []signIn{other, theft}, []bool{false, true}, asOf); !first.Equal(other.at) {
		t.Errorf("from %s, want the beginning of the evidence: the session's is not in it", first)
	}
}

// answers is an engine that knows the answers to views by their names, and keeps what was given to each.
type answers struct {
	rows  map[string]*kql.Rows
	given map[string]string
}

func (a *answers) Query(_ context.Context, r kql.Request) (*kql.Rows, error) {
	a.given[r.Source.Name] = r.Params["Given"]
	if rows := a.rows[r.Source.Name]; rows != nil {
		return rows, nil
	}
	return &kql.Rows{}, nil
}

// table is an answer: its columns, and the cells of its rows by column. What a row leaves out is null.
func table(columns string, rows ...map[string]any) *kql.Rows {
	out := &kql.Rows{}
	for name := range strings.FieldsSeq(columns) {
		out.Columns = append(out.Columns, schema.Column{Name: name})
	}
	for _, r := range rows {
		cells := make([]schema.Value, len(out.Columns))
		for i, c := range out.Columns {
			cells[i] = r[c.Name]
			if t, is := r[c.Name].(time.Time); is {
				cells[i] = schema.TicksOf(t)
			}
		}
		out.Rows = append(out.Rows, cells)
	}
	return out
}

// signIns answers finding.signins and finding.spots with the same rows.
func signIns(rows ...map[string]any) map[string]*kql.Rows {
	for _, r := range rows {
		r["Table"], r["Owner"], r["ResultType"], r["Own"] = "AADNonInteractiveUserSignInLogs", "u", "0", int64(0)
		if r["Spot"] == "own" {
			r["Own"] = int64(1)
		}
	}
	return map[string]*kql.Rows{
		"finding.signins.kql": table("Table Owner Id Time IPAddress AppId AppDisplayName ResourceDisplayName UserAgent SessionId ResultType Dead AutonomousSystemNumber Location ClientCredentialType Token File Line", rows...),
		"finding.spots.kql":   table("Table Id Time IPAddress AppId UserAgent Spot Own", rows...),
	}
}

// TestBoundsBeforeWhatRestsOnThem has a candidate whose signal speaks of the second of the attacker's four rows: what was
// normal before ends with the first of them, and changes at an address of both are asked for until the last.
func TestBoundsBeforeWhatRestsOnThem(t *testing.T) {
	row := func(id, ip, spot string, minutes int) map[string]any {
		return map[string]any{"Id": id, "IPAddress": ip, "Spot": spot, "Time": noon.Add(time.Duration(minutes) * time.Minute)}
	}
	engine := &answers{given: map[string]string{}, rows: signIns(
		row("home", "192.0.2.1", "own", -60), row("first", "192.0.2.66", "strange", 0), row("told", "192.0.2.66", "strange", 10),
		row("back", "192.0.2.66", "own", 15), row("last", "192.0.2.66", "strange", 90))}
	told := noon.Add(10 * time.Minute)
	b := &builder{in: Input{Engine: engine}, inv: &Investigation{Findings: []finding.Finding{{UserID: "u", Spots: []string{"strange"}, FirstSeen: told, LastSeen: told}}}}
	if err := b.enrich(t.Context()); err != nil {
		t.Fatal(err)
	}
	if hours := b.inv.Profiles[0].Hours; hours[11] != 1 || hours[12] != 0 {
		t.Errorf("%d rows of the user's before and %d of the attacker's are normal, want 1 and none", hours[11], hours[12])
	}
	for _, asked := range []string{"finding.changes.kql", "finding.profile.kql"} {
		if given := engine.given[asked]; !strings.Contains(given, `"From":"2026-03-18T12:00:00Z","To":"2026-03-18T13:30:00Z"`) {
			t.Errorf("%s is asked with %s; want the attacker's first and last row", asked, given)
		}
	}
}

// TestRowsOfAllTablesInOneOrder has a call of Microsoft Graph between two sign-ins: pages show the first rows of a finding.
func TestRowsOfAllTablesInOneOrder(t *testing.T) {
	row := func(id string, minutes int) map[string]any {
		return map[string]any{"Id": id, "IPAddress": "192.0.2.66", "Spot": "strange", "Token": "t-" + id, "Time": noon.Add(time.Duration(minutes) * time.Minute)}
	}
	engine := &answers{given: map[string]string{}, rows: signIns(row("b", 0), row("a", 0), row("last", 90))}
	engine.rows["finding.deeds.kql"] = table("Table Finding Key Named Time IPAddress AppId What UserAgent SessionId File Line",
		map[string]any{"Table": "MicrosoftGraphActivityLogs", "Finding": int64(0), "Key": "call", "Time": noon.Add(time.Hour)})
	b := &builder{in: Input{Engine: engine}, inv: &Investigation{Findings: []finding.Finding{{UserID: "u", Spots: []string{"strange"}}}}}
	if err := b.enrich(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range b.inv.Findings[0].Events {
		got = append(got, e.Key)
	}
	if !slices.Equal(got, []string{"a", "b", "call", "last"}) {
		t.Errorf("the rows stand as %v, want them by time and key", got)
	}
}
