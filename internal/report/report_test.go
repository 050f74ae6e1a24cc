package report

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// hostile is what an attacker may put into any text of the evidence.
const hostile = "=cmd|' /C calc'!A0<script>alert(1)</script>\x1b[31m\u202e|`x`"

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
		AsOf: at, AsOfSource: hostile, Findings: []finding.Finding{f},
		Evidence:  investigation.Evidence{Files: []investigation.File{{Path: hostile, Error: hostile, Rejects: []investigation.RejectReason{{Reason: hostile}}}}, Warnings: list},
		Explained: []finding.Explained{{User: hostile, Because: hostile, SourceIPs: list}},
		Profiles:  []investigation.Profile{{User: hostile, UserID: "u", Apps: list, Networks: list, Resources: list, UserAgents: list, Timeline: []investigation.Point{{Hour: at, IP: hostile, Silent: 3, Attacker: 3}}}},
	}
}

// TestHostileText sends the same text through every output: none lets it out alive.
func TestHostileText(t *testing.T) {
	for _, o := range Outputs() {
		var b bytes.Buffer
		if err := o.Write(&b, hostileResult()); err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
		text := b.String()
		if strings.ContainsRune(text, 0x1b) {
			t.Errorf("%s: an escape character comes out", o.Name)
		}
		if strings.Contains(text, "<script") && o.Name != "json" && o.Name != "csv" {
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
	if err := HTML(&b, &investigation.Investigation{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "No replayed token was found in the evidence given") {
		t.Error("the page does not say that nothing was found")
	}
}
