package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// markdownEvents is how many rows of a finding the text holds: it is read, not searched.
const markdownEvents = 20

// md makes text safe in Markdown.
var md = escape.Markdown

// pages is the text in the making.
type pages struct{ strings.Builder }

// markdown renders the pages for a report.
func markdown(w io.Writer, inv *investigation.Investigation) error {
	var b pages
	b.printf("# Token replay: %s\n\n", md(headline(inv)))
	b.printf("Evidence as of %s (%s). %s\n\n", clock(inv.AsOf), md(inv.AsOfSource), md(inv.Prior.String()))
	for _, warning := range inv.Evidence.Warnings {
		b.printf("> **Warning:** %s\n\n", md(warning))
	}
	v := inv.Visibility
	b.printf("SigninLogs alone holds %d of the %d attacker events. Interactive rows: %d, non-interactive rows: %d.\n\n", v.AttackerEventsInSigninLogs, v.AttackerEvents, v.InteractiveEvents, v.NonInteractiveEvents)
	if len(inv.Findings) > 1 {
		b.index(inv)
	}
	for i := range inv.Findings {
		b.finding(&inv.Findings[i])
	}
	b.steps(inv.Steps)
	b.evidence(inv)
	b.queries(queries(inv))
	_, err := io.WriteString(w, b.String())
	return err
}

func (b *pages) printf(format string, args ...any) { fmt.Fprintf(&b.Builder, format, args...) }

// table writes rows under their heads, each cell made safe; a head that ends in # is a number's.
func (b *pages) table(heads []string, rows [][]string) {
	line := func(cells []string) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	names, rules := make([]string, len(heads)), make([]string, len(heads))
	for i, h := range heads {
		names[i], rules[i] = md(strings.TrimSuffix(h, "#")), "---"
		if strings.HasSuffix(h, "#") {
			rules[i] = "--:"
		}
	}
	line(names)
	b.WriteString("|" + strings.Join(rules, "|") + "|\n")
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = md(c)
		}
		line(cells)
	}
	b.WriteByte('\n')
}

func (b *pages) index(inv *investigation.Investigation) {
	var rows [][]string
	for i := range inv.Findings {
		f := &inv.Findings[i]
		rows = append(rows, []string{strings.ToUpper(string(f.Verdict)), fmt.Sprint(f.Score), f.User, clock(f.FirstSeen), clock(f.LastSeen), fmt.Sprint(f.EventCount), strings.Join(f.SourceIPs, ", ")})
	}
	b.table([]string{"verdict", "score#", "user", "first", "last", "events#", "addresses"}, rows)
	for _, c := range inv.Campaigns {
		b.printf("From %s: %s\n\n", md(strings.Join(c.SourceIPs, ", ")), md(strings.Join(c.Users, ", ")))
	}
}

func (b *pages) finding(f *finding.Finding) {
	b.printf("## %s: %s (score %d)\n\n%s\n\n", md(strings.ToUpper(string(f.Verdict))), md(f.User), f.Score, md(f.Summary))
	if also := possible(f); also != "" {
		b.printf("%s\n\n", md(also))
	}
	var rows [][]string
	for _, n := range f.Networks {
		rows = append(rows, []string{n.IP, n.ASN, n.Country, clock(n.FirstSeen), clock(n.LastSeen), finding.Length(n.DurationSeconds), fmt.Sprint(n.EventCount), strings.Join(n.Apps, ", "), strings.Join(n.Resources, ", ")})
	}
	b.table([]string{"address", "ASN", "country", "first", "last", "duration", "events#", "applications", "resources"}, rows)
	b.WriteString("Why:\n\n")
	for i, s := range f.Signals {
		b.printf("%d. %s (%s, %+.1f, proved by %d rows): %s\n", i+1, md(s.Title), md(s.Strength), s.Weight, len(s.EventIDs), md(s.Evidence))
	}
	b.WriteString("\nBenign readings considered:\n\n")
	for _, c := range f.Considered {
		b.printf("- %s: %s, %s\n", md(c.Explanation), md(string(c.Outcome)), md(c.Because))
	}
	for _, p := range f.Persistence {
		b.printf("\nOutlives the token: %s, %s (%s) at %s, %s\n", md(p.Kind), md(p.Name), md(p.ID), clock(p.Time), md(p.Detail))
	}
	b.WriteByte('\n')
	rows = nil
	for _, x := range []struct {
		name string
		list []string
	}{{"user id", []string{f.UserID}}, {"sessions", f.SessionIDs}, {"application ids", f.AppIDs}, {"user agents", f.UserAgents}} {
		rows = append(rows, []string{x.name, strings.Join(x.list, ", ")})
	}
	b.table([]string{"identifiers", ""}, rows)
	b.events(f)
}

// events are the first rows of a finding, with the numbers of the signals that each proves.
func (b *pages) events(f *finding.Finding) {
	if len(f.Events) == 0 {
		return
	}
	by := provedBy(f)
	shown := f.Events[:min(markdownEvents, len(f.Events))]
	var rows [][]string
	for _, e := range shown {
		rows = append(rows, []string{clock(e.Time), string(e.Role), e.Table + " " + e.Key, e.IP, e.App, e.Resource, e.ResultType, fmt.Sprintf("%s:%d", e.File, e.Row), by.numbers(e.Key)})
	}
	b.table([]string{"time", "role", "row", "address", "application", "resource", "result", "place", "proves"}, rows)
	if rest := f.Events[len(shown):]; len(rest) > 0 {
		b.printf("%d more rows, %s: --format csv has one line for each, with the signals that it proves.\n\n", len(rest), md(leftOff(rest)))
	}
}

func (b *pages) steps(steps []investigation.Step) {
	if len(steps) > 0 {
		b.WriteString("## The steps of the investigation\n\n")
	}
	for i := range steps {
		s := &steps[i]
		b.printf("### %s %s\n\n", md(s.ID), md(s.Title))
		if len(s.Cells) == 0 {
			b.WriteString("None in the evidence.\n\n")
			continue
		}
		b.table(s.Head, s.Cells[:min(maxRows, len(s.Cells))])
		if more := len(s.Cells) - maxRows; more > 0 {
			b.printf("%d more rows: --format json has all.\n\n", more)
		}
	}
}

func (b *pages) evidence(inv *investigation.Investigation) {
	b.WriteString("## Evidence\n\n")
	var rows [][]string
	for _, f := range inv.Evidence.Files {
		rows = append(rows, []string{f.Path, f.Shape, fmt.Sprint(f.RowsRead), fmt.Sprint(f.RowsLoaded), fmt.Sprint(f.RowsDuplicate), fmt.Sprint(f.RowsRejected), f.SHA256})
	}
	b.table([]string{"file", "shape", "read#", "loaded#", "duplicate#", "rejected#", "SHA-256"}, rows)
	for _, e := range inv.Explained {
		b.printf("- Explained: %s, %d events from %s: %s\n", md(e.User), e.EventCount, md(strings.Join(e.SourceIPs, ", ")), md(e.Because))
	}
	for _, u := range inv.UsersNotAssessed {
		b.printf("- Not assessed: %s: %s\n", md(u.User), md(u.Because))
	}
	if len(inv.Explained)+len(inv.UsersNotAssessed) > 0 {
		b.WriteByte('\n')
	}
}

// queries are what is each signal's own; the functions that all share are left to `explain`.
func (b *pages) queries(list []query) {
	if len(list) == 0 {
		return
	}
	b.WriteString("## The KQL of the signals\n\nWithout the functions that they share: `replaytrace explain SIGNAL` prints the whole, which runs as it is.\n\n")
	for _, q := range list {
		b.printf("### %s (%s)\n\n```kql\n%s\n```\n\n", md(q.Title), md(q.ID), strings.TrimSpace(q.Own))
	}
}
