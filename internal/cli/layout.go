package cli

import (
	"slices"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
)

// page is what a command prints on a terminal: paragraphs and tables, fitted to the width.
type page struct {
	b       strings.Builder
	width   int
	verbose bool
	next    string   // what to do with findings, the last line
	without string   // what it means that there are none
	sought  []string // the indicators of the list that was given, each once
}

// text writes one paragraph, wrapped to the width and indented.
func (p *page) text(indent, s string) {
	for line := range strings.Lines(whole.Replace(lipgloss.Wrap(joined.Replace(s), p.width-len(indent), " "))) {
		p.b.WriteString(indent + strings.TrimRight(line, " \n") + "\n")
	}
}

// Wrapping breaks at hyphens, which would cut ids and dates in two. So they are hidden from it behind a character that
// escape.Terminal lets through from nowhere else.
var (
	joined = strings.NewReplacer("-", "\ue000")
	whole  = strings.NewReplacer("\ue000", "-")
)

const gap = 2 // blanks between two columns

// narrowest is how narrow a column may be made, where no value needs more.
const narrowest = 8

// roomy is from when on a terminal has room for tables, though a long word of mere letters may be cut in two.
const roomy = 80

// table writes rows under their headers, fitted to the width. What is no mere word is never cut: half of an address is another
// address, and a number in two lines is read as two numbers. The wide columns share what is left, and their cells wrap. Where
// there is no room for that, the values of a row stand one below the other.
func (p *page) table(headers []string, rows [][]string) {
	widths, fit := fitted(headers, rows, p.width-2)
	if !fit || p.width < roomy && cut(rows, widths) {
		p.b.WriteString(strings.TrimSuffix(oneBelowTheOther(headers, rows, p.width), "\n"))
		return
	}
	cells := make([][]string, len(rows))
	for i, row := range rows {
		for _, cell := range row {
			cells[i] = append(cells[i], joined.Replace(cell))
		}
	}
	t := table.New().Border(lipgloss.HiddenBorder()).BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).
		BorderHeader(false).BorderColumn(false).Wrap(true).Headers(headers...).Rows(cells...).
		Width(total(widths) + gap*len(widths)).
		StyleFunc(func(row, column int) lipgloss.Style {
			style := lipgloss.NewStyle()
			if row == table.HeaderRow {
				style = dim
			}
			return style.Width(widths[column] + gap).PaddingRight(gap)
		})
	for line := range strings.Lines(whole.Replace(t.String())) {
		p.b.WriteString("  " + strings.TrimRight(line, " \n") + "\n")
	}
}

// fitted are the widths of the columns: what they need, or where that is too much, the widest cut to one width, and whether
// the width is enough for them. Times stay on one line as long as possible.
func fitted(headers []string, rows [][]string, width int) (out []int, fit bool) {
	need, words, times := make([]int, len(headers)), make([]int, len(headers)), make([]int, len(headers))
	for i, h := range headers {
		need[i] = lipgloss.Width(h)
		for _, row := range rows {
			need[i] = max(need[i], lipgloss.Width(row[i]))
			for word := range strings.FieldsSeq(row[i]) {
				if strings.ContainsAny(word, "0123456789@") {
					words[i] = max(words[i], lipgloss.Width(word))
				}
			}
			if _, err := time.Parse(minute, row[i]); err == nil {
				times[i] = len(minute)
			}
		}
		times[i] = max(times[i], words[i])
	}
	width -= gap * (len(headers) - 1)
	for _, least := range [][]int{times, words} {
		out = slices.Clone(need)
		for most := slices.Max(need); most >= narrowest && total(out) > width; most-- {
			for i := range out {
				out[i] = max(min(out[i], most), least[i])
			}
		}
		if total(out) <= width {
			return out, true
		}
	}
	return out, false
}

// cut tells whether a word is wider than its column.
func cut(rows [][]string, widths []int) bool {
	for _, row := range rows {
		for i, cell := range row {
			for word := range strings.FieldsSeq(cell) {
				if lipgloss.Width(word) > widths[i] {
					return true
				}
			}
		}
	}
	return false
}

func total(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}
