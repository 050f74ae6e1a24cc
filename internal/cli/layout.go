package cli

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
)

const gap = 2 // blanks between two columns

// floors are how narrow a column may be made: a time stays whole as long as possible, a number always.
var floors = []int{len(minute), 8}

// table writes rows under their headers, fitted to the width. A column of numbers or short words keeps its width: a number
// in two lines is read as two numbers. The wide columns share what is left, and their cells wrap.
func (p *page) table(headers []string, rows [][]string) {
	widths := fitted(headers, rows, p.width-2)
	p.row(headers, widths, dim)
	for _, row := range rows {
		p.row(row, widths, lipgloss.NewStyle())
	}
}

// fitted are the widths of the columns: what they need, or where that is too much, the widest cut to one width.
func fitted(headers []string, rows [][]string, width int) []int {
	need := make([]int, len(headers))
	for i, h := range headers {
		need[i] = lipgloss.Width(h)
		for _, row := range rows {
			need[i] = max(need[i], lipgloss.Width(row[i]))
		}
	}
	width -= gap * (len(headers) - 1)
	out := slices.Clone(need)
	for _, floor := range floors {
		for most := slices.Max(need); most >= floor && total(out) > width; most-- {
			for i := range out {
				out[i] = min(out[i], most)
			}
		}
	}
	return out
}

func total(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// row writes cells side by side, each wrapped to its width.
func (p *page) row(cells []string, widths []int, style lipgloss.Style) {
	wrapped := make([][]string, len(cells))
	height := 1
	for i, c := range cells {
		wrapped[i] = strings.Split(whole.Replace(lipgloss.Wrap(joined.Replace(c), widths[i], " ")), "\n")
		height = max(height, len(wrapped[i]))
	}
	for n := range height {
		var line strings.Builder
		for i := range cells {
			cell := ""
			if n < len(wrapped[i]) {
				cell = strings.TrimRight(wrapped[i][n], " ")
			}
			line.WriteString(style.Render(cell) + strings.Repeat(" ", max(0, widths[i]-lipgloss.Width(cell))+gap))
		}
		p.b.WriteString("  " + strings.TrimRight(line.String(), " ") + "\n")
	}
}
