package investigation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/hunt"
)

// TestBeyond holds findings beside the incident's window: those that reach beyond it are spoken of, none is dropped.
func TestBeyond(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }
	findings := []finding.Finding{
		{User: "within", FirstSeen: day(18), LastSeen: day(21)},
		{User: "earlier", FirstSeen: day(17), LastSeen: day(19)},
		{User: "later", FirstSeen: day(19), LastSeen: day(22)},
		{User: "another", FirstSeen: day(1), LastSeen: day(2)},
	}
	for name, c := range map[string]struct {
		window *Window
		want   string
	}{
		"none":  {nil, ""},
		"given": {&Window{day(18), day(21)}, "earlier later another"},
	} {
		b := &builder{in: Input{Tenant: Tenant{IncidentWindow: c.window}}, inv: &Investigation{Findings: findings}}
		b.beyond()
		var users []string
		for _, w := range b.inv.Evidence.Warnings {
			user, _, _ := strings.Cut(strings.TrimPrefix(w, "The activity against "), ",")
			users = append(users, user)
		}
		if got := strings.Join(users, " "); got != c.want || len(b.inv.Findings) != len(findings) {
			t.Errorf("%s: warned of %q, want %q; %d findings", name, got, c.want, len(b.inv.Findings))
		}
	}
}

// TestCampaigns: what several users have in common is a campaign; two activities against one user are not.
func TestCampaigns(t *testing.T) {
	b := &builder{inv: &Investigation{Findings: []finding.Finding{
		{ID: "1", User: "ann", UserID: "a", SourceIPs: []string{"192.0.2.1", "192.0.2.9"}},
		{ID: "2", User: "ann", UserID: "a", SourceIPs: []string{"192.0.2.1", "192.0.2.2"}},
		{ID: "3", User: "ben", UserID: "b", SourceIPs: []string{"192.0.2.2"}},
	}}}
	b.campaigns()
	if got, want := fmt.Sprint(b.inv.Campaigns), "[{[192.0.2.2] [ann ben] [2 3]}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestVisibilityCountsSignIns has a finding that only calls show: what SigninLogs alone would have shown is a share of sign-ins.
func TestVisibilityCountsSignIns(t *testing.T) {
	b := &builder{inv: &Investigation{Findings: []finding.Finding{
		{EventIDs: []string{"a", "b"}, EventCount: 2, VisibleInSigninLog: 1},
		{EventIDs: []string{}, EventCount: 40},
	}}}
	b.visibility()
	if v := b.inv.Visibility; v.AttackerEvents != 2 || v.AttackerEventsInSigninLogs != 1 {
		t.Errorf("%d of %d, want one of the two sign-ins", v.AttackerEventsInSigninLogs, v.AttackerEvents)
	}
}

// TestProgress counts the hunts that are asked: those for people to read are not.
func TestProgress(t *testing.T) {
	var told []string
	in := Input{Engine: &answers{given: map[string]string{}}, Progress: func(done, of int, name string) { told = append(told, fmt.Sprint(done, " of ", of, " ", name)) }}
	for _, h := range []struct {
		name string
		role hunt.Role
	}{{"read", hunt.RoleContext}, {"first", hunt.RoleSignal}, {"read, too", hunt.RoleContext}, {"second", hunt.RoleExplanation}} {
		in.Hunts = append(in.Hunts, hunt.Hunt{Name: h.name, Role: h.role})
	}
	b := &builder{in: in, inv: &Investigation{}}
	if err := b.hunt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(told, ", "), "0 of 2 first, 1 of 2 second"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}
