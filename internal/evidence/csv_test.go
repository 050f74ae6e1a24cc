package evidence

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// slowCells reads rows of a CSV a byte at a time, as RFC 4180 says, and with its two liberties: a quote inside a bare cell
// is a character, and what follows the closing quote belongs to the cell.
func slowCells(text string) (rows [][]string, closed bool) {
	var row []string
	var cell strings.Builder
	quoted, fresh := false, true
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '"' && i+1 < len(text) && text[i+1] == '"':
			cell.WriteByte('"')
			i++
		case quoted && c == '"':
			quoted = false
		case quoted:
			cell.WriteByte(c)
		case fresh && c == '"':
			quoted, fresh = true, false
		case c == ',' || c == '\n':
			row = append(row, cell.String())
			cell.Reset()
			if fresh = true; c == '\n' {
				rows, row = append(rows, row), nil
			}
		default:
			cell.WriteByte(c)
			fresh = false
		}
	}
	return append(rows, append(row, cell.String())), !quoted
}

// TestCSVAsSlowly reads texts that are nearly rows and compares what is read with what slowCells reads.
func TestCSVAsSlowly(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	parts := []string{`"`, `""`, `","`, ",", "\n", "a", "bcdefghijklm", `\`, " ", "\t", "é", `""x"":""`}
	for range 200_000 {
		var b strings.Builder
		b.WriteString("x")
		for range 1 + r.IntN(14) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		text := b.String()
		rows, closed := slowCells(text)
		if !closed {
			continue
		}
		var got [][]string
		sound := true
		for at := 0; at <= len(text) && sound; {
			var end int
			end, _, sound = csvEnd([]byte(text), at, ',')
			if !sound { // a quote that closes elsewhere than at the end of a cell, on another line
				break
			}
			cells, _, whole := csvCells(nil, []byte(text[at:end]), ',', nil, []byte("what was there before"))
			if !whole {
				t.Fatalf("%q: row %q is said to be open", text, text[at:end])
			}
			var row []string
			for _, c := range cells {
				row = append(row, string(c.Bytes))
			}
			got, at = append(got, row), end+1
		}
		if sound && !slices.EqualFunc(got, rows, slices.Equal) {
			t.Fatalf("%q: got %q, want %q", text, got, rows)
		}
	}
}
