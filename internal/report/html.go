package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

//go:embed report.html.tmpl
var pageText string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"clock": clock, "length": finding.Length, "join": func(l []string) string { return strings.Join(l, ", ") }, "clean": escape.Page, "possible": possible,
	"upper": func(v finding.Verdict) string { return strings.ToUpper(string(v)) },
	"bar":   func(w float64) float64 { return min(max(w*9, 2), 100) },
	"minus": func(a, b int) int { return a - b },
	"plus":  func(a, b int) int { return a + b },
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
	Counted  []numbered // the signals that weigh
	Further  []numbered // those that only repeat what their family says already
	Rows     []proven
	Left     string // which rows the page has no room for
}

// numbered is a signal with the number by which the rows name it.
type numbered struct {
	Number int
	*finding.Signal
}

// proven is a row with the numbers of the signals that it proves, and its place by the number of its file.
type proven struct {
	Proves, Place string
	*finding.Event
}

// HTML renders one self-contained page: no script, no network.
func HTML(w io.Writer, inv *investigation.Investigation) error {
	data := struct {
		*investigation.Investigation
		Headline string
		Views    []view
		Queries  []query
		MaxRows  int
	}{Investigation: inv, Headline: headline(inv), Queries: queries(inv), MaxRows: maxRows}
	profiles := map[string]*investigation.Profile{}
	for k := range inv.Profiles {
		profiles[inv.Profiles[k].FindingID] = &inv.Profiles[k]
	}
	files := map[string]int{}
	for i := range inv.Evidence.Files {
		files[inv.Evidence.Files[i].Path] = i + 1
	}
	for i := range inv.Findings {
		v := viewOf(&inv.Findings[i], files)
		v.Profile = profiles[v.ID]
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

// viewOf prepares a finding for the page; files are the numbers by which the page knows the files.
func viewOf(f *finding.Finding, files map[string]int) view {
	v := view{Finding: f}
	for i := range f.Signals {
		s := numbered{i + 1, &f.Signals[i]}
		if s.Weight > 0 {
			v.Counted = append(v.Counted, s)
		} else {
			v.Further = append(v.Further, s)
		}
	}
	by := provedBy(f)
	shown := min(maxEvents, len(f.Events))
	v.Left = leftOff(f.Events[shown:])
	for i := range f.Events[:shown] {
		e := &f.Events[i]
		v.Rows = append(v.Rows, proven{by.numbers(e.Key), fmt.Sprintf("%d:%d", files[e.File], e.Row), e})
	}
	return v
}
