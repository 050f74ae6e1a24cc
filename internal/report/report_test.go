package report

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/golden"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// hostile is what an attacker may put into any text of the evidence.
const hostile = "=cmd|' /C calc'!A0<script>alert(1)</script>\x1b[31m\u202e\u202a\u200f\u200b\u2028\u00ad|`x`"

func hostileResult() *investigation.Investigation {
	at := time.Date(2026, 3, 20, 3, 0, 0, 0, time.UTC)
	list := []string{hostile}
	f := finding.Finding{
		ID: "F-1", User: hostile, UserID: "u", Verdict: finding.Confirmed, Score: 99, SourceIPs: list, SessionIDs: list, AppIDs: list,
		Resources: list, UserAgents: list, FirstSeen: at, LastSeen: at.Add(time.Hour), EventIDs: list, EventCount: 1, Summary: hostile,
		Events:      []finding.Event{{Table: "T", Key: hostile, Time: at, File: hostile, App: hostile, UserAgent: hostile, IP: hostile, Role: finding.Attacker}, {Role: finding.Control, Time: at, App: hostile}},
		Signals:     []finding.Signal{{ID: "s", Title: "t", Evidence: hostile, EventIDs: list, KQL: "T | take 1"}},
		Considered:  []finding.Considered{{Explanation: "e", Outcome: finding.Rejected, Because: hostile}},
		Persistence: []finding.Persistence{{Kind: hostile, Name: hostile, ID: hostile, Detail: hostile}},
		Networks:    []finding.Network{{IP: hostile, ASN: hostile, Country: hostile, Apps: list, Resources: list}},
	}
	return &investigation.Investigation{
		AsOf: at, AsOfSource: hostile, Findings: []finding.Finding{f, f},
		Evidence:   investigation.Evidence{Files: []investigation.File{{Path: hostile, Error: hostile, Rejects: []investigation.RejectReason{{Reason: hostile}}}}, Warnings: list},
		Steps:      []investigation.Step{{ID: "S04", View: "v", Title: "t", Rows: []byte("[]"), Head: []string{hostile}, Cells: [][]string{{hostile}}}},
		Campaigns:  []investigation.Campaign{{SourceIPs: list, Users: list}},
		Indicators: []investigation.IndicatorHit{{Kind: hostile, Value: hostile, User: hostile}},
		Explained:  []finding.Explained{{User: hostile, Because: hostile, SourceIPs: list}},
		Profiles:   []investigation.Profile{{FindingID: "F-1", User: hostile, UserID: "u", Apps: list, Networks: list, Resources: list, UserAgents: list, Timeline: []investigation.Point{{Hour: at, IP: hostile, Silent: 3, Attacker: 3}}}},
	}
}

// unseen tells what a reader does not see, or what turns around the text that is seen.
func unseen(r rune) bool {
	return r != '\n' && r != '\t' && !unicode.IsPrint(r) || unicode.Is(unicode.Bidi_Control, r)
}

// TestHostileText sends the same text through every output: none lets it out alive.
func TestHostileText(t *testing.T) {
	for _, o := range Outputs() {
		var b bytes.Buffer
		if err := o.Write(&b, hostileResult()); err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
		text := b.String()
		if i := strings.IndexFunc(text, unseen); i >= 0 {
			t.Errorf("%s: what nobody sees comes out: %q", o.Name, text[i:min(i+9, len(text))])
		}
		if strings.Contains(text, "<script") && !strings.HasPrefix(o.Name, "json") && o.Name != "csv" {
			t.Errorf("%s: a script tag comes out", o.Name)
		}
		if o.Name == "csv" {
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "=") || strings.Contains(line, ",=") || strings.Contains(line, `,"=`) {
					t.Errorf("csv: a formula comes out: %s", line)
				}
			}
		}
	}
}

// TestNothingFound is the page when there is nothing to accuse anybody of.
func TestNothingFound(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, &investigation.Investigation{Evidence: investigation.Evidence{Tables: []investigation.Table{{Table: "SigninLogs"}}}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "No replayed token was found in the evidence given") {
		t.Error("the page does not say that nothing was found")
	}
	b.Reset()
	if err := HTML(&b, &investigation.Investigation{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "No replayed token was found") {
		t.Error("the page speaks of evidence that is not there")
	}
}

// TestTwoFindingsOfOneUser: each is drawn with what is its own.
func TestTwoFindingsOfOneUser(t *testing.T) {
	inv := sample()
	second, other := inv.Findings[0], inv.Profiles[0]
	second.ID, other.FindingID, other.Deviation = "F-2", "F-2", []investigation.Deviation{{Measure: "of the second"}}
	inv.Profiles[0].Deviation[0].Measure = "of the first"
	inv.Findings, inv.Profiles = append(inv.Findings, second), append(inv.Profiles, other)
	var b bytes.Buffer
	if err := HTML(&b, inv); err != nil {
		t.Fatal(err)
	}
	if strings.Count(b.String(), "of the first") != 1 || strings.Count(b.String(), "of the second") != 1 {
		t.Error("a finding is shown beside the profile of another")
	}
}

// TestProofStandsAlone: whoever has a page only can follow each signal to its rows, its sentence and its KQL, and knows
// where the rows are that the page has no room for.
func TestProofStandsAlone(t *testing.T) {
	inv := sample()
	f := &inv.Findings[0]
	for i := range 2 * maxEvents {
		e := f.Events[0]
		e.Key = fmt.Sprintf("row-%04d", i)
		f.Events = append(f.Events, e)
	}
	f.Events[len(f.Events)-1].Table = "AuditLogs"
	f.Signals = append(f.Signals, finding.Signal{ID: "second", Title: "Second", Evidence: "the second sentence", EventIDs: []string{"row-0003"}, KQL: "// functions: A\nlet A = 1;\n// end of functions\nSigninLogs | take 2\n"})
	for _, o := range Outputs() {
		var b bytes.Buffer
		if err := o.Write(&b, inv); err != nil {
			t.Fatal(err)
		}
		want := map[string][]string{
			"html":     {"row-0003", ">1. <b>", ">2. <b>Second", "the second sentence", "SigninLogs | take 2", "let A = 1", `href="#kql-second"`, `id="kql-second"`, "501 more rows, 500 of AADNonInteractiveUserSignInLogs, 1 of AuditLogs:"},
			"markdown": {"row-0003", "\n2. Second", "the second sentence", "SigninLogs | take 2", "981 more rows, 980 of AADNonInteractiveUserSignInLogs, 1 of AuditLogs:", "explain SIGNAL"},
			"csv":      {"row-0003", "row-0999", ",second\n", ",ua-script-library\n"},
		}[o.Name]
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s lacks %q", o.Name, w)
			}
		}
	}
}

// sample is a small result with one of everything that the pages show.
func sample() *investigation.Investigation {
	at := time.Date(2026, 3, 20, 3, 0, 0, 0, time.UTC)
	ip, agent := "198.51.100.7", "python-requests/2.28"
	row := finding.Event{Table: "AADNonInteractiveUserSignInLogs", Key: "11111111-0000-4000-8000-000000000001", Time: at, File: "ni.csv", Row: 42, Role: finding.Attacker, IP: ip, AppID: "d3590ed6-52b3-4102-aeff-aad2292ab01c", App: "Microsoft Office", Resource: "Microsoft Graph", UserAgent: agent, SessionID: "s-1", ResultType: "0"}
	return &investigation.Investigation{
		SchemaVersion: 1, ToolVersion: "test", AsOf: at.Add(30 * time.Hour), AsOfSource: "the newest event, in SigninLogs", Prior: finding.Prior{Stated: 0.001, Learned: 2.0 / 1012, Users: 12, Compromised: 1},
		Tenant: investigation.Tenant{CorporateNetworks: []string{"192.0.2.0/24"}, NetworksSource: "learned: networks at which three or more users signed in themselves"},
		Evidence: investigation.Evidence{
			Files:    []investigation.File{{Path: "ni.csv", SHA256: strings.Repeat("ab", 32), Bytes: 1234, Shape: "la-portal-csv", Tables: map[string]int64{"AADNonInteractiveUserSignInLogs": 2}, RowsRead: 4, RowsLoaded: 2, RowsDuplicate: 1, RowsRejected: 1, Rejects: []investigation.RejectReason{{Code: "wrong_cell_count", Reason: "the row has 2 cells, the header has 5", Count: 1, First: 3}}}},
			Tables:   []investigation.Table{{Table: "AADNonInteractiveUserSignInLogs", Rows: 2, First: at, Last: at.Add(time.Hour), Users: 1, Gaps: []investigation.Gap{}}},
			Warnings: []string{"AuditLogs is missing: consents to applications and other persistence cannot be seen."},
		},
		Visibility: investigation.Visibility{NonInteractiveEvents: 2, AttackerEvents: 1},
		Findings: []finding.Finding{{
			ID: "F-1", User: "r.williams@example.com", UserID: "u-1", Verdict: finding.Confirmed, Score: 99, SourceIPs: []string{ip}, SessionIDs: []string{"s-1"}, AppIDs: []string{row.AppID},
			Resources: []string{row.Resource}, UserAgents: []string{agent}, FirstSeen: at, LastSeen: at.Add(time.Hour), DurationSeconds: 3600, BaselineDays: 13, EventCount: 1, EventIDs: []string{row.Key},
			Events:      []finding.Event{row},
			Signals:     []finding.Signal{{ID: "ua-script-library", Title: "Refresh token redeemed by a script from an unknown network", Family: "agent", Weight: 10, Strength: "conclusive", Evidence: "1 silent redemption with the agent python-requests/2.28", EventIDs: []string{row.Key}, KQL: "AADNonInteractiveUserSignInLogs | take 1"}},
			Considered:  []finding.Considered{{Explanation: "sanctioned automation", Outcome: finding.Rejected, Because: "the user never ran this application before"}},
			Persistence: []finding.Persistence{{Kind: "Consent to application", Name: "PDF Sync", ID: "49f7e952-d830-49eb-a7e7-e035e5e43858", Time: at.Add(time.Minute), Detail: "from 198.51.100.7", EventIDs: []string{"a-1"}}},
			Networks:    []finding.Network{{IP: ip, ASN: "64500", Country: "RO", FirstSeen: at, LastSeen: at.Add(time.Hour), DurationSeconds: 3600, EventCount: 1, Apps: []string{row.App}, Resources: []string{row.Resource}}},
			Summary:     "The token of r.williams@example.com was redeemed once from 198.51.100.7.",
		}},
		Campaigns: []investigation.Campaign{}, UsersNotAssessed: []investigation.NotAssessed{{User: "new@example.com", Because: "the user's history is three days or shorter: nothing to compare with"}},
		Explained: []finding.Explained{{User: "dev@example.com", UserID: "u-2", Because: "sanctioned automation: the same agent on 9 days", SourceIPs: []string{"203.0.113.9"}, EventCount: 12, Signals: []string{"ua-script-library"}}},
		Profiles:  []investigation.Profile{{FindingID: "F-1", User: "r.williams@example.com", UserID: "u-1", DailyMedian: 50, DailyMax: 70, Networks: []string{"192.0.2.10"}, Timeline: []investigation.Point{{Hour: at.Add(-24 * time.Hour), IP: "192.0.2.10", Interactive: 1, Silent: 9}, {Hour: at, IP: ip, Silent: 1, Attacker: 1}}, Deviation: []investigation.Deviation{{Measure: "silent sign-ins per day", Before: 50, During: 500}}}},
		Steps: []investigation.Step{
			{ID: "S04", View: "investigate.rows", Title: "Sign-ins at places that are not the user's own", Rows: []byte(`[{"Time":"2026-03-20T03:00:00Z","IPAddress":"198.51.100.7"}]`), Head: []string{"Time", "IPAddress"}, Cells: [][]string{{"2026-03-20 03:00:00Z", ip}}},
			{ID: "S11", View: "investigate.mailbox", Title: "Rules, forwarding and delegates of mailboxes", Rows: []byte(`[]`)},
		},
		Hunts: []investigation.HuntRun{{ID: "ua-script-library", Name: "Refresh token redeemed by a script", Signals: 1}},
	}
}

// TestGolden compares each output with the page that was reviewed: `make golden` rewrites them.
func TestGolden(t *testing.T) {
	for _, o := range Outputs() {
		var b bytes.Buffer
		if err := o.Write(&b, sample()); err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
		golden.File(t, filepath.Join("testdata", "sample."+o.Name), b.Bytes())
	}
}
