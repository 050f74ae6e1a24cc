package cli

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"charm.land/lipgloss/v2"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// The colours are the terminal's own sixteen, so that they fit its theme; each goes with a word that says the same.
var (
	bold    = lipgloss.NewStyle().Bold(true)
	dim     = lipgloss.NewStyle().Faint(true)
	warning = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	verdict = map[finding.Verdict]lipgloss.Style{
		finding.Confirmed:  lipgloss.NewStyle().Bold(true).Foreground(lipgloss.BrightRed),
		finding.Likely:     lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red),
		finding.Suspicious: lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Yellow),
	}
)

// mostNetworks are named in a line; -v and every file name all.
const mostNetworks = 12

const minute = "2006-01-02 15:04Z"

// findings writes the page of a result.
func (p *page) findings(inv *investigation.Investigation) {
	if v := inv.Visibility; v.InteractiveEvents+v.NonInteractiveEvents == 0 && len(inv.Evidence.Tables) > 0 {
		p.text("", warning.Bold(true).Render("No sign-ins of users in this evidence: only what accounts did in mailboxes, files and Microsoft Graph was judged."))
		p.b.WriteByte('\n')
	}
	switch {
	case len(inv.Findings) == 0:
		p.text("", bold.Render(escape.Terminal(p.without)))
		p.b.WriteByte('\n')
	case len(inv.Findings) > 1:
		p.index(inv.Findings)
		for _, c := range inv.Campaigns {
			p.text("  ", "from "+escape.Terminal(strings.Join(c.SourceIPs, ", "))+": "+escape.Terminal(strings.Join(c.Users, ", ")))
		}
		p.b.WriteByte('\n')
	}
	for i := range inv.Findings {
		p.finding(&inv.Findings[i])
	}
	p.indicators(inv.Indicators)
	p.evidence(inv)
	if len(inv.Findings) > 0 && p.next != "" {
		p.text("", dim.Render(p.next))
	}
}

// index lists several findings in short: whom to call first.
func (p *page) index(list []finding.Finding) {
	safe := escape.Terminal
	var rows [][]string
	for i := range list {
		f := &list[i]
		rows = append(rows, []string{strings.ToUpper(string(f.Verdict)), fmt.Sprint(f.Score), safe(f.User), f.FirstSeen.Format(minute), f.LastSeen.Format(minute), counted(int64(f.EventCount))})
	}
	p.table([]string{"verdict", "score", "user", "first", "last", "events"}, rows)
}

func (p *page) finding(f *finding.Finding) {
	safe := escape.Terminal
	p.text("", verdict[f.Verdict].Render(strings.ToUpper(string(f.Verdict)))+"  "+bold.Render(safe(f.User))+fmt.Sprintf("  score %d", f.Score))
	p.text("  ", safe(f.Summary))
	p.b.WriteByte('\n')
	var rows [][]string
	for _, n := range f.Networks {
		rows = append(rows, []string{safe(n.IP), n.FirstSeen.Format(minute), n.LastSeen.Format(minute), finding.Length(n.DurationSeconds), fmt.Sprint(n.EventCount), safe(strings.Join(n.Resources, ", "))})
	}
	if len(rows) > 0 { // only sign-ins have their networks listed
		p.table([]string{"address", "first", "last", "duration", "events", "resources"}, rows)
		p.b.WriteByte('\n')
	}
	rows = nil
	idle := 0
	for _, x := range f.Signals {
		if math.Abs(x.Weight) < 0.05 && !p.verbose { // it would be shown as 0.0
			idle++
			continue
		}
		rows = append(rows, []string{fmt.Sprintf("%+5.1f", x.Weight), safe(x.Strength), safe(x.Title) + ": " + safe(x.Evidence)})
	}
	p.table([]string{"weight", "strength", "why"}, rows)
	if idle > 0 {
		p.text("  ", dim.Render(fmt.Sprintf("without weight of their own: %d (-v lists them)", idle)))
	}
	for _, x := range f.Persistence {
		said := []string{x.Kind}
		if x.Name != "" {
			said = append(said, x.Name)
		}
		if x.ID != "" && !strings.EqualFold(x.ID, f.UserID) { // whose it is has been said
			said = append(said, "("+x.ID+")")
		}
		p.text("  ", warning.Render("persists:")+" "+safe(strings.Join(append(said, x.Detail), " ")))
	}
	p.b.WriteByte('\n')
}

// kindOfSignIn says in a word what a table holds.
var kindOfSignIn = map[string]string{"SigninLogs": "interactive", "AADNonInteractiveUserSignInLogs": "silent"}

// indicators lists what of the list given occurs.
func (p *page) indicators(hits []investigation.IndicatorHit) {
	if len(p.sought) == 0 {
		return
	}
	safe := escape.Terminal
	var rows [][]string
	found := map[string]bool{}
	for _, h := range hits {
		found[h.Value] = true
		rows = append(rows, []string{safe(h.Kind), safe(h.Value), safe(h.User), counted(h.Events), h.First.Format(minute), h.Last.Format(minute), kindOfSignIn[h.Table]})
	}
	if len(rows) > 0 {
		p.table([]string{"indicator", "value", "user", "events", "first", "last", "sign-ins"}, rows)
	}
	var absent []string
	for _, value := range p.sought {
		if !found[value] {
			absent = append(absent, value)
		}
	}
	told := fmt.Sprintf("%d of %s in the sign-ins", len(p.sought)-len(absent), plural(len(p.sought), "indicator"))
	if len(absent) > 0 {
		told += "; not: " + p.networks(absent)
	}
	p.text("", safe(told)+".")
	p.b.WriteByte('\n')
}

// evidence says what the evidence was, what it cannot show and what was left out.
func (p *page) evidence(inv *investigation.Investigation) {
	safe := escape.Terminal
	for _, x := range inv.Evidence.Warnings {
		p.warn(x)
	}
	p.notAssessed(inv.UsersNotAssessed)
	v := inv.Visibility
	p.text("", fmt.Sprintf("SigninLogs alone: %s of %s attacker events. Interactive rows %s, non-interactive rows %s.", counted(int64(v.AttackerEventsInSigninLogs)), counted(int64(v.AttackerEvents)), counted(int64(v.InteractiveEvents)), counted(int64(v.NonInteractiveEvents))))
	p.text("", fmt.Sprintf("As of %s (%s). Corporate networks: %s (%s).", inv.AsOf.Format("2006-01-02T15:04:05Z"), safe(inv.AsOfSource), safe(p.networks(inv.Tenant.CorporateNetworks)), safe(inv.Tenant.NetworksSource)))
	p.text("", inv.Prior.String())
	var read, loaded, duplicate, rejected int64
	for _, f := range inv.Evidence.Files {
		read, loaded, duplicate, rejected = read+f.RowsRead, loaded+f.RowsLoaded, duplicate+f.RowsDuplicate, rejected+f.RowsRejected
	}
	p.text("", fmt.Sprintf("%s: %s read = %s loaded + %s duplicate + %s rejected.", plural(len(inv.Evidence.Files), "file"), plural(int(read), "row"), counted(loaded), counted(duplicate), counted(rejected)))
	if n := len(inv.Explained); n > 0 && !p.verbose {
		p.text("", dim.Render(plural(n, "activity")+" explained or too weak (-v lists them)."))
		return
	}
	var rows [][]string
	for _, e := range inv.Explained {
		rows = append(rows, []string{safe(e.User), safe(strings.Join(e.SourceIPs, ", ")), fmt.Sprint(e.EventCount), safe(e.Because)})
	}
	if len(rows) > 0 {
		p.b.WriteByte('\n')
		p.table([]string{"explained", "addresses", "events", "because"}, rows)
	}
}

// notAssessed lists the users of whom nothing can be said; a long list only on request.
func (p *page) notAssessed(users []investigation.NotAssessed) {
	if len(users) > 5 && !p.verbose {
		p.text("", plural(len(users), "user")+" could not be assessed (-v lists them).")
		return
	}
	for _, u := range users {
		p.text("", "Not assessed: "+escape.Terminal(u.User)+": "+escape.Terminal(u.Because))
	}
}

// networks names networks in a line.
func (p *page) networks(all []string) string {
	if more := len(all) - mostNetworks; more > 0 && !p.verbose {
		return fmt.Sprintf("%s and %d more, which -v lists", strings.Join(all[:mostNetworks], ", "), more)
	}
	return cmp.Or(strings.Join(all, ", "), "none")
}
