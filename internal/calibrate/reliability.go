package calibrate

import (
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// Bin compares the probabilities of a tenth with the share of victims among them.
type Bin struct {
	People, Victims int
	Mean            float64 // of the probabilities
}

// Share is the share of victims.
func (b *Bin) Share() float64 { return float64(b.Victims) / float64(max(b.People, 1)) }

// Reliability sorts people by what the fusion says of them, in tenths.
func (s *Set) Reliability(w *finding.Weights) [10]Bin {
	var bins [10]Bin
	for i := range s.people {
		p := s.probability(&s.people[i], w)
		b := &bins[min(9, int(p*10))]
		b.Mean = (b.Mean*float64(b.People) + p) / float64(b.People+1)
		b.People++
		if s.people[i].attack {
			b.Victims++
		}
	}
	return bins
}

// Verdicts counts the activities at or above a score under the stated prior: those of attackers and others.
func (s *Set) Verdicts(w *finding.Weights, score int) (right, wrong int) {
	for i, a := range s.acts() {
		for _, c := range finding.Weigh(a.signals, a.benign, nil, *w) {
			switch {
			case c.Score() < score:
			case s.people[i].attack:
				right++
			default:
				wrong++
			}
		}
	}
	return right, wrong
}

// The plot's measures, in pixels.
const (
	plotSide   = 320
	plotMargin = 56
)

// Plot draws the reliability before and after the calibration: said probability to the right, observed share upwards. On
// the diagonal a score is what it says.
func Plot(before, after [10]Bin) string {
	var b strings.Builder
	size := plotSide + 2*plotMargin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", size, size)
	b.WriteString("<title>Reliability of the scores on test tenants</title>\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", size, size)
	x := func(p float64) float64 { return plotMargin + p*plotSide }
	y := func(p float64) float64 { return plotMargin + (1-p)*plotSide }
	for tenth := 0; tenth <= 10; tenth += 2 {
		p := float64(tenth) / 10
		fmt.Fprintf(&b, `<path d="M%.1f %.1fV%.1fM%.1f %.1fH%.1f" stroke="#ddd"/>`+"\n", x(p), y(0), y(1), x(0), y(p), x(1))
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle" fill="#444">%.1f</text><text x="%.1f" y="%.1f" text-anchor="end" fill="#444">%.1f</text>`+"\n", x(p), y(0)+18, p, x(0)-8, y(p)+4, p)
	}
	fmt.Fprintf(&b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="#888" stroke-dasharray="4 4"/>`+"\n", x(0), y(0), x(1), y(1))
	curve(&b, before, x, y, "#b06000", "catalogue")
	curve(&b, after, x, y, "#00639b", "calibrated")
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">probability that was said</text>`+"\n", x(0.5), y(0)+40)
	fmt.Fprintf(&b, `<text transform="translate(%.1f %.1f) rotate(-90)" text-anchor="middle">share that were victims</text>`+"\n", x(0)-38, y(0.5))
	fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" fill="#b06000">catalogue</text><text x="%.1f" y="%.1f" fill="#00639b">calibrated</text>`+"\n", x(0), y(1)-16, x(0.3), y(1)-16)
	b.WriteString("</svg>\n")
	return b.String()
}

// curve draws one reliability; a point says its counts.
func curve(b *strings.Builder, bins [10]Bin, x, y func(float64) float64, color, name string) {
	var points []string
	for i := range bins {
		bin := &bins[i]
		if bin.People == 0 {
			continue
		}
		points = append(points, fmt.Sprintf("%.1f,%.1f", x(bin.Mean), y(bin.Share())))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s"><title>%s: said %.2f, %d of %d were victims</title></circle>`+"\n", x(bin.Mean), y(bin.Share()), color, name, bin.Mean, bin.Victims, bin.People)
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", strings.Join(points, " "), color)
}
