package quality

import (
	"fmt"
	"strings"
)

// Board renders a record as the page docs/quality.md.
func Board(r Record) string {
	var b strings.Builder
	b.WriteString(`# Quality of the detection

Made by ` + "`make quality-update` and `make quality-full`" + ` from quality.json; do not edit.

The judge (internal/quality) reads the JSON of ` + "`hunt`" + ` and the answer key of a synthetic tenant, nothing else. A finding
is true when it names at least one labelled row of an attacker as the attacker's; a finding that hits the victim but not
the attacker's rows is false. Recall counts the detectable incidents. Events are counted per incident over the findings
that belong to it: precision is the share of the named sign-ins that are the attacker's, recall the share of the
attacker's sign-ins that are named. A figure at a verdict counts the findings at that verdict or above it.
`)
	for _, name := range r.names() {
		f := r[name]
		section(&b, name, &f)
	}
	return b.String()
}

func section(b *strings.Builder, name string, f *Figures) {
	context := "without a tenant file"
	if f.Context {
		context = "with the tenant file"
	}
	tenants := fmt.Sprintf("Seeds %s, %d users, %d days", f.Seeds, f.Users, f.Days)
	if f.Made != "" {
		tenants = "Made by others, " + f.Made
	}
	fmt.Fprintf(b, "\n## %s\n\n%s, %s: %d rows, %d incidents, %d of them undetectable.\n", name, tenants, context, f.Rows, f.Incidents, f.Undetectable)
	goals := table{head: []string{"promise", "measured", ""}}
	for _, g := range promises(f) {
		goals.row(g.Promise, g.Value, g.State)
	}
	goals.write(b)
	verdicts(b, f)
	early := table{head: []string{"of the list's first", "incidents found", "possible", "share"}}
	for _, e := range f.Early {
		early.row(fmt.Sprint(e.First), fmt.Sprint(e.Found), fmt.Sprint(e.Possible), percent(e.Recall))
	}
	early.write(b)
	deciles := table{head: []string{"score", "findings", "mean score", "true"}}
	for _, d := range f.Reliability {
		deciles.row(fmt.Sprintf("%d to %d", d.From, d.From+9+d.From/90), fmt.Sprint(d.Findings), fmt.Sprintf("%.1f", d.Mean), percent(share(d.True, d.Findings)))
	}
	deciles.write(b)
	if f.Clean != nil {
		clean := table{head: []string{"in tenants without an attack", "findings"}}
		for t, n := range f.Clean.Findings {
			clean.row(verdictNames[t]+" or above", fmt.Sprint(n))
		}
		clean.write(b)
	}
	published(b, f)
	scenarios := table{head: append([]string{"scenario", "difficulty", "detectable"}, verdictNames...)}
	for _, g := range f.Scenarios {
		scenarios.row(g.Name, g.Difficulty, fmt.Sprint(g.Detectable), fmt.Sprint(g.Found[confirmed]), fmt.Sprint(g.Found[likely]), fmt.Sprint(g.Found[suspicious]))
	}
	scenarios.write(b)
}

// verdicts writes the figures by threshold, a column each.
func verdicts(b *strings.Builder, f *Figures) {
	t := table{head: append([]string{"at or above"}, verdictNames...)}
	add := func(name string, cell func(*Threshold) string) {
		row := []string{name}
		for i := range f.Thresholds {
			row = append(row, cell(&f.Thresholds[i]))
		}
		t.row(row...)
	}
	add("recall", func(x *Threshold) string {
		return fmt.Sprintf("%s (%d of %d)", percent(x.Recall), x.Found, x.Detectable)
	})
	add("findings", func(x *Threshold) string { return fmt.Sprint(x.Findings) })
	add("false ones", func(x *Threshold) string { return fmt.Sprint(x.False) })
	add("precision", func(x *Threshold) string { return percent(x.Precision) })
	add("false per 1,000 users and day", func(x *Threshold) string { return fmt.Sprintf("%.3f", x.FalseRate) })
	add("event precision, median (10th percentile)", func(x *Threshold) string { return pair(x.Events.PrecisionMedian, x.Events.PrecisionP10) })
	add("event recall, median (10th percentile)", func(x *Threshold) string { return pair(x.Events.RecallMedian, x.Events.RecallP10) })
	add("minutes to the first row that is a reason, median (90th)", func(x *Threshold) string { return lag(x.Minutes.FirstSignalMedian, x.Minutes.FirstSignalP90) })
	add("error of the beginning in minutes, median (90th)", func(x *Threshold) string { return lag(x.Minutes.FirstErrorMedian, x.Minutes.FirstErrorP90) })
	add("error of the end in minutes, median (90th)", func(x *Threshold) string { return lag(x.Minutes.LastErrorMedian, x.Minutes.LastErrorP90) })
	t.write(b)
}

func published(b *strings.Builder, f *Figures) {
	if len(f.Baselines) == 0 {
		return
	}
	t := table{head: []string{"published rule", "recall", "findings", "true ones", "false per 1,000 users and day", "event precision", "event recall", "recall of the first 50"}}
	for _, x := range f.Baselines {
		t.row(x.Name, percent(x.Recall), fmt.Sprint(x.Findings), percent(x.Precision), fmt.Sprintf("%.1f", x.FalseRate), percent(x.EventPrecision), percent(x.EventRecall), percent(x.RecallWithin50))
	}
	t.write(b)
}

func pair(a, b float64) string { return fmt.Sprintf("%s (%s)", percent(a), percent(b)) }

func lag(a, b float64) string { return fmt.Sprintf("%.1f (%.1f)", a, b) }

// table is a Markdown table.
type table struct {
	head []string
	rows [][]string
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(b *strings.Builder) {
	if len(t.rows) == 0 {
		return
	}
	b.WriteString("\n| " + strings.Join(t.head, " | ") + " |\n|" + strings.Repeat("---|", len(t.head)) + "\n")
	for _, r := range t.rows {
		b.WriteString("| " + strings.Join(r, " | ") + " |\n")
	}
}
