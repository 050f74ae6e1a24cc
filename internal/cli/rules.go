package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/hunt"
)

func newRules(s Streams) *cobra.Command {
	rules := &cobra.Command{Use: "rules", Short: "The hunts as Sentinel analytics rules"}
	rules.AddCommand(newRulesList(s), newRulesLint(s), newRulesTest(s), newRulesRun(s), newRulesExport(s))
	return rules
}

func newRulesList(s Streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the hunts that ship",
		Example: `  replaytrace rules list
  replaytrace rules list --format json`,
		Args: takes("nothing but flags", 0, 0),
		RunE: func(*cobra.Command, []string) error {
			all, err := shipped()
			if err != nil {
				return &exit{exitInternal, err}
			}
			if format == "json" {
				out := ruleList{SchemaVersion: documentVersion}
				for i := range all {
					out.Rules = append(out.Rules, listing(&all[i]))
				}
				return escape.Document(s.Out, out)
			}
			p := &page{width: columns(s.Out)}
			var rows [][]string
			for i := range all {
				rows = append(rows, []string{all[i].Signal, string(all[i].Role), string(all[i].Strength), all[i].Name})
			}
			p.table([]string{"signal", "role", "strength", "name"}, rows)
			return write(s.Out, p.b.String())
		},
	}
	formatFlag(cmd, &format, "table", "json")
	return cmd
}

func newRulesLint(s Streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "lint [PATH...]",
		Short: "Check rule files: their shape, their KQL, the columns of their rows",
		Long:  "lint checks the rule files given, or those in the folders given; without any, those that ship. It exits with 1 on a fault.",
		Example: `  replaytrace rules lint ./our-rules
  replaytrace rules lint --format json`,
		RunE: func(cmd *cobra.Command, args []string) error { return lintRules(cmd.Context(), s, args, format) },
	}
	formatFlag(cmd, &format, "table", "json")
	return cmd
}

func lintRules(ctx context.Context, s Streams, paths []string, format string) error {
	files, err := ruleFiles(paths)
	if err != nil {
		return &exit{exitPartial, err}
	}
	if len(files) == 0 {
		return &exit{exitUsage, errors.New("no rule given: rule files end in .yaml or .yml")}
	}
	c, err := casefile.Open(ctx, casefile.Options{})
	if err != nil {
		return &exit{exitInternal, err}
	}
	defer func() { _ = c.Close() }()
	checks, faults := ruleChecks{SchemaVersion: documentVersion}, 0
	first := map[string]string{} // the file of an id
	for _, f := range files {
		wrong := hunt.Lint(ctx, c, f.path, f.text)
		if h, err := hunt.Parse(f.path, f.text); err == nil {
			if other, taken := first[h.ID]; taken {
				wrong = append(wrong, fmt.Sprintf("%s: the id %s is that of %s", f.path, h.ID, other))
			}
			first[h.ID] = f.path
		}
		faults += len(wrong)
		checks.Rules = append(checks.Rules, ruleCheck{f.path, list(wrong)})
	}
	if format == "json" {
		err = escape.Document(s.Out, checks)
	} else {
		var b strings.Builder
		for _, r := range checks.Rules {
			for _, w := range r.Faults {
				b.WriteString(escape.Terminal(w) + "\n")
			}
		}
		fmt.Fprintf(&b, "%s, %s\n", plural(len(files), "rule"), plural(faults, "fault"))
		err = write(s.Out, b.String())
	}
	if err == nil && faults > 0 {
		return &exit{exitFound, nil}
	}
	return err
}

type ruleText struct {
	path string
	text []byte
}

// ruleFiles reads the rule files of the paths in their order; those that ship when there are none.
func ruleFiles(paths []string) ([]ruleText, error) {
	var out []ruleText
	collect := func(fsys fs.FS, root, shown string) error {
		return fs.WalkDir(fsys, root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !hunt.IsRule(path) {
				return err
			}
			text, err := fs.ReadFile(fsys, path)
			out = append(out, ruleText{filepath.Join(shown, path), text})
			return err
		})
	}
	if len(paths) == 0 {
		return out, collect(hunts.FS, ".", "")
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			err = collect(os.DirFS(path), ".", path)
		} else {
			err = collect(os.DirFS(filepath.Dir(path)), filepath.Base(path), filepath.Dir(path))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func newRulesRun(s Streams) *cobra.Command {
	f := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "run RULE PATH... | --case DIR",
		Short: "Run one rule, a file or a signal that ships, and print its rows",
		Example: `  replaytrace rules run ua-script-library ./export
  replaytrace rules run ./our-rules/New.yaml --case case-2026-031 --format csv`,
		Args:              takes("a RULE, which is a signal or a file", 1, -1),
		ValidArgsFunction: completeSignals,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := findRule(args[0])
			if err != nil {
				return &exit{exitUsage, err}
			}
			return f.rule(cmd.Context(), s, h, args[1:])
		},
	}
	f.evidenceFlags.add(cmd)
	rowFormatFlag(cmd, &f.format)
	return cmd
}

// rule runs a rule over the evidence and prints its rows.
func (f *queryFlags) rule(ctx context.Context, s Streams, h *hunt.Hunt, paths []string) error {
	c, partial, err := f.openGiven(ctx, s, paths)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return ended(f.one(ctx, s, c, h.Source()), partial)
}

// findRule finds a rule by the path of its file, or one that ships by its signal or id.
func findRule(name string) (*hunt.Hunt, error) {
	if hunt.IsRule(name) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		h, err := hunt.Parse(name, text)
		return &h, err
	}
	all, err := shipped()
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range all {
		if name == all[i].Signal || name == all[i].ID {
			return &all[i], nil
		}
		names = append(names, all[i].Signal)
	}
	return nil, &unknownSignal{name, names}
}

func newRulesExport(s Streams) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "export [SIGNAL...] --out DIR",
		Short: "Write the hunts as rule files that Sentinel takes",
		Long:  "export writes the hunts that ship, or those named, without the key that only replaytrace reads.",
		Example: `  replaytrace rules export --out rules
  replaytrace rules export ua-script-library --out rules`,
		ValidArgsFunction: completeSignals,
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return &exit{exitUsage, errors.New("--out is missing: name the folder to write to")}
			}
			return exportRules(s, args, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the folder to write to: files of the same names are replaced, others left alone")
	return cmd
}

func exportRules(s Streams, signals []string, dir string) error {
	all, err := shipped()
	if err != nil {
		return &exit{exitInternal, err}
	}
	if len(signals) > 0 {
		all = all[:0:0]
		for _, name := range signals {
			h, err := findRule(name)
			if err != nil {
				return &exit{exitUsage, err}
			}
			all = append(all, *h)
		}
	}
	for i := range all {
		text, err := fs.ReadFile(hunts.FS, all[i].Path)
		if err != nil {
			return &exit{exitUsage, fmt.Errorf("%s does not ship with replaytrace: name signals", all[i].Path)}
		}
		path := filepath.Join(dir, all[i].Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return &exit{exitUsage, err}
		}
		if err := casefile.WriteFile(path, func(w io.Writer) error {
			_, err := io.Copy(w, strings.NewReader(hunt.Deployable(string(text))))
			return err
		}); err != nil {
			return &exit{exitUsage, err}
		}
	}
	say(s.Err, "wrote %s to %s\n", plural(len(all), "rule"), dir)
	return nil
}
