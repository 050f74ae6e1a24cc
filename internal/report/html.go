package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"clock": clock, "length": finding.Length, "join": func(l []string) string { return strings.Join(l, ", ") }, "clean": clean,
	"upper": func(v finding.Verdict) string { return strings.ToUpper(string(v)) },
	"bar":   func(w float64) float64 { return min(max(w*9, 2), 100) },
	"first": func(n int, e []finding.Event) []finding.Event { return e[:min(n, len(e))] },
	"minus": func(a, b int) int { return a - b },
	"share": func(a, b int64) string {
		if a+b == 0 {
			return "0"
		}
		return fmt.Sprintf("%.1f", 100*float64(a)/float64(a+b))
	},
}).Parse(pageText))

// view is one finding with what the page shows beside it.
type view struct {
	*finding.Finding
	Profile *investigation.Profile
	// Timeline is SVG that this package drew, with every text in it escaped.
	Timeline template.HTML
}

// HTML renders one self-contained page: no script, no network.
func HTML(w io.Writer, inv *investigation.Investigation) error {
	data := struct {
		*investigation.Investigation
		Headline string
		Views    []view
	}{Investigation: inv, Headline: headline(inv)}
	for i := range inv.Findings {
		v := view{Finding: &inv.Findings[i]}
		for k := range inv.Profiles {
			if inv.Profiles[k].UserID == v.UserID {
				v.Profile = &inv.Profiles[k]
			}
		}
		if v.Profile != nil {
			var svg strings.Builder
			if err := Timeline(&svg, v.Profile, v.Finding); err != nil {
				return err
			}
			v.Timeline = template.HTML(svg.String()) //nolint:gosec // drawn by Timeline, which escapes every text
		}
		data.Views = append(data.Views, v)
	}
	return page.Execute(w, data)
}
