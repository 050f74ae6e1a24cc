package report

import (
	"fmt"
	"html"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/internal/escape"
	"github.com/replaytrace/replaytrace/internal/finding"
	"github.com/replaytrace/replaytrace/internal/investigation"
)

// maxOwnLanes and maxFoeLanes are how many addresses of the user and of the attacker get a lane; the rest share one.
const (
	maxOwnLanes = 6
	maxFoeLanes = 12
)

const (
	laneHeight  = 34
	labelWidth  = 190
	chartWidth  = 1120
	topMargin   = 34
	plotWidth   = chartWidth - labelWidth - 20
	colorUser   = "#2471a3"
	colorAttack = "#c0392b"
)

type lane struct {
	name   string
	points []investigation.Point
	foe    bool
}

// Timeline draws the swim-lanes: the user's own networks above, the attacker's below, over time. It is a whole SVG.
func Timeline(w io.Writer, p *investigation.Profile, f *finding.Finding) error {
	from, to := window(p, f)
	lanes := makeLanes(p, f, from, to)
	height := topMargin + len(lanes)*laneHeight + 34
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title-%[3]s desc-%[3]s" font-family="system-ui, sans-serif" font-size="12">`, chartWidth, height, html.EscapeString(f.ID))
	fmt.Fprintf(&b, `<title id="title-%[2]s">Timeline of %[1]s</title><desc id="desc-%[2]s">One lane per network. Blue marks are the user's own sign-ins, red marks those of the replayed token.</desc>`, html.EscapeString(escape.Page(f.User)), html.EscapeString(f.ID))
	x := func(t time.Time) float64 {
		return labelWidth + plotWidth*float64(t.Sub(from))/float64(to.Sub(from))
	}
	grid(&b, from, to, height, x)
	fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" opacity="0.10"/>`, x(f.FirstSeen), topMargin, max(2, x(f.LastSeen)-x(f.FirstSeen)), len(lanes)*laneHeight, colorAttack)
	for i, l := range lanes {
		drawLane(&b, l, topMargin+i*laneHeight, x)
	}
	changes(&b, f, topMargin+len(lanes)*laneHeight, x)
	legend(&b, height)
	b.WriteString(`</svg>`)
	_, err := io.WriteString(w, b.String())
	return err
}

// labelSpace is how far apart the words above the lanes stand, so that none covers another.
const labelSpace = 150

// changes draws what outlives the token as lines across all lanes, named where there is room for it.
func changes(b *strings.Builder, f *finding.Finding, bottom int, x func(time.Time) float64) {
	last := 0.0
	for _, p := range f.Persistence {
		at := x(p.Time)
		if at < labelWidth || at > chartWidth-10 {
			continue
		}
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#6c3483" stroke-width="2"><title>%s %s %s</title></line>`, at, at, topMargin-4, bottom, clock(p.Time), html.EscapeString(escape.Page(p.Kind)), html.EscapeString(escape.Page(p.Name)))
		if last == 0 || at-last >= labelSpace {
			anchor, dx := "start", 3.0
			if at > chartWidth-labelSpace {
				anchor, dx = "end", -3
			}
			fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="%s" fill="#8e44ad" font-size="11">&#9873; %s</text>`, at+dx, topMargin-6, anchor, html.EscapeString(escape.Page(p.Kind)))
			last = at
		}
	}
}

// makeLanes are the addresses with anything in the window, the busiest first.
func makeLanes(p *investigation.Profile, f *finding.Finding, from, to time.Time) []lane {
	foe := map[string]bool{}
	for _, ip := range f.SourceIPs {
		foe[ip] = true
	}
	byIP := map[string]*lane{}
	total := map[string]int64{}
	var names []string
	for _, pt := range p.Timeline {
		if pt.Hour.Before(from) || !pt.Hour.Before(to) {
			continue
		}
		l := byIP[pt.IP]
		if l == nil {
			l = &lane{name: pt.IP, foe: foe[pt.IP]}
			byIP[pt.IP] = l
			names = append(names, pt.IP)
		}
		l.points = append(l.points, pt)
		total[pt.IP] += pt.Interactive + pt.Silent + pt.Failed
	}
	sort.Slice(names, func(i, j int) bool {
		if total[names[i]] != total[names[j]] {
			return total[names[i]] > total[names[j]]
		}
		return names[i] < names[j]
	})
	var own, foes []string
	for _, n := range names {
		if byIP[n].foe {
			foes = append(foes, n)
		} else {
			own = append(own, n)
		}
	}
	return append(bounded(own, byIP, maxOwnLanes, "own"), bounded(foes, byIP, maxFoeLanes, "replaying")...)
}

// bounded gives the first addresses a lane each and the rest one together.
func bounded(names []string, byIP map[string]*lane, most int, kind string) []lane {
	var out []lane
	for _, n := range names[:min(most, len(names))] {
		out = append(out, *byIP[n])
	}
	if others := len(names) - most; others > 0 {
		rest := lane{name: fmt.Sprintf("%d other %s addresses", others, kind), foe: byIP[names[most]].foe}
		for _, n := range names[most:] {
			rest.points = append(rest.points, byIP[n].points...)
		}
		out = append(out, rest)
	}
	return out
}

// window is the time drawn: four days before the activity and what the evidence has behind it.
func window(p *investigation.Profile, f *finding.Finding) (from, to time.Time) {
	from, to = f.FirstSeen.AddDate(0, 0, -4).Truncate(24*time.Hour), f.LastSeen.Add(12*time.Hour)
	if n := len(p.Timeline); n > 0 {
		if first := p.Timeline[0].Hour; first.After(from) {
			from = first.Truncate(24 * time.Hour)
		}
		if last := p.Timeline[n-1].Hour.Add(time.Hour); last.Before(to) {
			to = last
		}
	}
	if !to.After(from) {
		to = from.Add(24 * time.Hour)
	}
	return from, to
}

func grid(b *strings.Builder, from, to time.Time, height int, x func(time.Time) float64) {
	const dateWidth = 72
	named := 0.0
	for day := from; day.Before(to); day = day.AddDate(0, 0, 1) {
		night := min(x(day.Add(6*time.Hour)), chartWidth-20)
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#888" opacity="0.10"><title>night (UTC)</title></rect>`, x(day), topMargin, max(0, night-x(day)), height-topMargin-34)
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#888" stroke-width="0.5"/>`, x(day), x(day), topMargin, height-34)
		if named == 0 || x(day)-named >= dateWidth {
			named = x(day)
			fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="currentColor" opacity="0.75">%s</text>`, named+3, 14, day.Format("Mon 2 Jan"))
		}
	}
}

func drawLane(b *strings.Builder, l lane, y int, x func(time.Time) float64) {
	mid := float64(y) + laneHeight/2
	color := colorUser
	mark := "own"
	if l.foe {
		color, mark = colorAttack, "REPLAY"
	}
	fit := ""
	if len(l.name) > 22 { // an address of version 6 is longer than the space before the lanes
		fit = fmt.Sprintf(` textLength="%d" lengthAdjust="spacingAndGlyphs"`, labelWidth-14)
	}
	fmt.Fprintf(b, `<text x="4" y="%.1f" fill="%s" font-weight="600"`+fit+`>%s</text><text x="4" y="%.1f" fill="currentColor" opacity="0.6" font-size="10">%s</text>`,
		mid-1, color, html.EscapeString(escape.Page(l.name)), mid+11, mark)
	fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#888" stroke-width="0.5" opacity="0.5"/>`, labelWidth, chartWidth-20, mid, mid)
	for _, p := range l.points {
		px := x(p.Hour.Add(30 * time.Minute))
		if px < labelWidth || px > chartWidth-10 {
			continue
		}
		c := color
		if p.Attacker > 0 {
			c = colorAttack
		}
		if p.Silent > 0 {
			r := min(2+float64(p.Silent)/6, 11)
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%.1f" fill="%s" opacity="0.75"><title>%s: %d silent</title></circle>`, px, mid, r, c, p.Hour.Format("Jan 2 15:04"), p.Silent)
		}
		if p.Failed > 0 {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="none" stroke="%s"><title>%s: %d failed</title></circle>`, px, mid+9, c, p.Hour.Format("Jan 2 15:04"), p.Failed)
		}
		if p.Interactive > 0 {
			fmt.Fprintf(b, `<path d="M%.1f %.1f l5 5 l-5 5 l-5 -5 z" fill="%s" stroke="#fff"><title>%s: %d interactive</title></path>`, px, mid-14, c, p.Hour.Format("Jan 2 15:04"), p.Interactive)
		}
	}
}

func legend(b *strings.Builder, height int) {
	y := height - 12
	fmt.Fprintf(b, `<g fill="currentColor"><path d="M%d %d l5 5 l-5 5 l-5 -5 z" fill="%s"/><text x="%d" y="%d">interactive</text><circle cx="%d" cy="%d" r="5" fill="%s"/><text x="%d" y="%d">silent, size by count</text><circle cx="%d" cy="%d" r="3" fill="none" stroke="%s"/><text x="%d" y="%d">failed</text><circle cx="%d" cy="%d" r="5" fill="%s"/><text x="%d" y="%d">replayed token</text></g>`,
		labelWidth+6, y-9, colorUser, labelWidth+16, y, labelWidth+100, y-4, colorUser, labelWidth+110, y, labelWidth+250, y-4, colorUser, labelWidth+260, y, labelWidth+320, y-4, colorAttack, labelWidth+330, y)
}
