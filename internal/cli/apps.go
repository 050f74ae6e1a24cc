package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/inventory"
	"github.com/replaytrace/replaytrace/internal/kql"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// tenantApps is the hunt that lists the applications of a tenant.
const tenantApps = "tenant-applications"

func newApps(s Streams) *cobra.Command {
	f := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "apps PATH...",
		Short: "List the tenant's applications, look one up, import lists of known ones",
		Long: `List the applications in the evidence: by id and by the tenant that owns them, never by their name. A name that
looks like one of Microsoft's on an id that is not Microsoft's is told in the column Imitates.`,
		Example: `  replaytrace apps ./export
  replaytrace apps --case case --format csv
  replaytrace apps lookup 29d9ed98-a469-4536-ade2-f981bc1d605e
  replaytrace apps import MicrosoftApps.json --out known_apps.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := noPath(args); err != nil {
				return &exit{exitUsage, err}
			}
			h, err := findRule(tenantApps)
			if err != nil {
				return &exit{exitInternal, err}
			}
			return f.rule(cmd.Context(), s, h, args)
		},
	}
	f.evidenceFlags.add(cmd)
	rowFormatFlag(cmd, &f.format)
	cmd.AddCommand(newAppsLookup(s), newAppsImport(s))
	return cmd
}

// noPath says so when an application is named where evidence is expected.
func noPath(args []string) error {
	inv, err := inventory.Default()
	if err != nil {
		return err
	}
	for _, arg := range args {
		if _, err := os.Stat(arg); err != nil && (arg == "list" || diag.Suggest(arg, []string{"list", "lookup", "import"}) != "") {
			return &hinted{fmt.Errorf("unknown command %q for \"replaytrace apps\"", arg), "replaytrace apps PATH... lists the applications of the evidence; apps lookup and apps import are the commands"}
		} else if err != nil && len(inv.Find(arg)) > 0 {
			return &hinted{fmt.Errorf("%s is an application and no path", arg), "replaytrace apps lookup " + arg}
		}
	}
	return nil
}

func newAppsLookup(s Streams) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "lookup [ID|NAME...]",
		Short: "Look up known applications by id or part of the name; all of them without one",
		Example: `  replaytrace apps lookup 29d9ed98-a469-4536-ade2-f981bc1d605e
  replaytrace apps lookup authentication broker --format json`,
		RunE: func(_ *cobra.Command, args []string) error {
			inv, err := inventory.Default()
			if err != nil {
				return &exit{exitInternal, err}
			}
			found := inv.Find(strings.Join(args, " "))
			if len(found) == 0 {
				return &exit{exitFound, fmt.Errorf("%s is not in the inventory; that says nothing about whose it is", strings.Join(args, " "))}
			}
			return printRows(s.Out, format, appRows(found), schema.Ticks(0))
		},
	}
	rowFormatFlag(cmd, &format)
	return cmd
}

// appRows are applications as the answer of a query, in the columns of the watchlist.
func appRows(apps []inventory.App) *kql.Rows {
	rows := &kql.Rows{}
	for _, name := range inventory.Columns {
		rows.Columns = append(rows.Columns, schema.Column{Name: name, Type: schema.String})
	}
	for i := range apps {
		var row []schema.Value
		for _, cell := range apps[i].Row() {
			row = append(row, cell)
		}
		rows.Rows = append(rows.Rows, row)
	}
	return rows
}

func newAppsImport(s Streams) *cobra.Command {
	var out string
	var approved bool
	cmd := &cobra.Command{
		Use:   "import FILE... --out FILE.csv",
		Short: "Join public or approved lists with what is known, as a list for the tenant file",
		Long: `Join lists of applications with the embedded inventory and write the result as CSV. Name it in the tenant file under
known_apps, or import it in Sentinel as the watchlist Applications. A list is CSV with a header or a JSON array; the
public lists of Microsoft's applications and of the family of client ids are read as they are published.`,
		Example: `  replaytrace apps import MicrosoftApps.json --out known_apps.csv
  replaytrace apps import ours.csv --approved --out approved_apps.csv`,
		Args: takes("the FILE of a list", 1, -1),
		RunE: func(_ *cobra.Command, args []string) error {
			if out == "" {
				return &exit{exitUsage, errors.New("--out is missing: name the CSV file to write")}
			}
			kind := map[bool]string{true: inventory.Approved}[approved]
			inv, err := inventory.Default()
			if err != nil {
				return &exit{exitInternal, err}
			}
			for _, path := range args {
				list, err := inventory.ReadList(path, kind)
				if err != nil {
					return &exit{exitUsage, err}
				}
				for _, a := range list {
					inv.Add(a)
				}
			}
			if err := casefile.WriteFile(out, func(w io.Writer) error { return writeApps(w, inv) }); err != nil {
				return &exit{exitUsage, err}
			}
			say(s.Err, "%d applications in %s: name it in the tenant file under known_apps\n", len(inv.Apps()), out)
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "the CSV file to write, which is replaced if it exists")
	cmd.Flags().BoolVar(&approved, "approved", false, "the lists are what the tenant has approved")
	return cmd
}

func writeApps(w io.Writer, inv *inventory.Inventory) error {
	out := csv.NewWriter(w)
	records := [][]string{inventory.Columns}
	for _, a := range inv.Apps() {
		row := a.Row()
		for i := range row {
			row[i] = escape.CSVCell(row[i])
		}
		records = append(records, row)
	}
	return out.WriteAll(records)
}
