package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/view"
)

func newExplain(s Streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain SIGNAL | VIEW",
		Short: "What a signal means: its logic, KQL, false positives and sources; or the KQL of a step",
		Long: `explain prints a rule, by its signal or its id: what it sees, whom it wrongs, on what it rests, and its KQL. Of a view, a
question that a step or the report asks of the evidence, it prints the KQL. The views:
` + viewList(),
		Example: `  replaytrace explain ua-script-library
  replaytrace explain investigate.sessions   # the question behind a step of the investigation
  replaytrace rules list`,
		Args: takes("one SIGNAL or VIEW", 1, 1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			words, directive := completeSignals(cmd, args, word)
			if len(args) == 0 {
				words = append(words, view.Names()...)
			}
			return words, directive
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if v, err := view.Load(args[0]); err == nil {
				return explainView(s, v, format)
			}
			h, err := findRule(args[0])
			if unknown := (*unknownSignal)(nil); errors.As(err, &unknown) {
				unknown.names = append(unknown.names, view.Names()...)
			}
			if err != nil {
				return &exit{exitUsage, err}
			}
			if format == "json" {
				out := listing(h)
				out.KQL = h.Query
				return escape.Document(s.Out, struct {
					SchemaVersion int `json:"schema_version"`
					listed
				}{documentVersion, out})
			}
			p := &page{width: columns(s.Out)}
			p.rule(h)
			return write(s.Out, p.b.String())
		},
	}
	formatFlag(cmd, &format, "table", "json")
	return cmd
}

// viewList names the views, a line for each subject.
func viewList() string {
	list, last := "", ""
	for _, name := range view.Names() {
		subject, part, _ := strings.Cut(name, ".")
		if subject == last {
			list += ", " + part
			continue
		}
		list += "\n  " + subject + "." + part
		last = subject
	}
	return list
}

func explainView(s Streams, v *view.View, format string) error {
	if format == "json" {
		return escape.Document(s.Out, explainedView{documentVersion, v.Name, v.Title, v.Text})
	}
	p := &page{width: columns(s.Out)}
	p.text("", bold.Render(v.Title)+"  "+v.Name)
	p.b.WriteByte('\n')
	p.kql(v.Text)
	return write(s.Out, p.b.String())
}

// kql writes a query as it is, line by line.
func (p *page) kql(text string) {
	for line := range strings.Lines(text) {
		p.b.WriteString("  " + escape.Terminal(strings.TrimRight(line, "\n")) + "\n")
	}
}

func (p *page) rule(h *hunt.Hunt) {
	safe := escape.Terminal
	p.text("", bold.Render(safe(h.Name))+"  "+safe(h.Signal))
	p.text("", safe(strings.Join(strings.Fields(h.Description), " ")))
	p.b.WriteByte('\n')
	for _, x := range []struct {
		name   string
		values []string
	}{
		{"role", []string{string(h.Role)}},
		{"strength", []string{string(h.Strength)}},
		{"family", []string{h.Family}},
		{"tactics", h.Tactics},
		{"techniques", h.Techniques},
		{"false positives", h.FalsePositives},
		{"sources", h.Sources},
	} {
		if text := strings.Join(x.values, "; "); text != "" {
			p.text("", dim.Render(fmt.Sprintf("%-16s", x.name))+safe(text))
		}
	}
	p.b.WriteString("\n" + dim.Render(safe(h.Path)) + "\n")
	p.kql(h.Query)
}

// unknownSignal is a name that no rule has.
type unknownSignal struct {
	name  string
	names []string
}

func (e *unknownSignal) Error() string { return fmt.Sprintf("there is no signal %q", e.name) }

// Hint names the nearest one.
func (e *unknownSignal) Hint() string {
	if near := diag.Suggest(e.name, e.names); near != "" {
		return "did you mean " + near + "?"
	}
	return "replaytrace rules list names them; a file is given with its ending, such as New.yaml"
}

// completeSignals completes the first word of a command by the signals that ship.
func completeSignals(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	all, err := shipped()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var out []string
	for i := range all {
		out = append(out, all[i].Signal+"\t"+all[i].Name)
	}
	return out, cobra.ShellCompDirectiveDefault
}
