package cli

import (
	"bytes"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
)

// TestNumbersStayWhole: 896 in three lines is read as 8, 9 and 6. Text wraps and nothing of it is lost, at any width that
// people have.
func TestNumbersStayWhole(t *testing.T) {
	headers := []string{"user", "first", "events", "resources"}
	row := []string{"somebody.with.a.long.name@example.com", "2026-03-20 03:11Z", "13,310", "Microsoft Graph, Office 365 Exchange Online, Windows Azure Active Directory"}
	for _, width := range []int{60, 80, 120, 300} {
		p := &page{width: width}
		p.table(headers, [][]string{row})
		var plain bytes.Buffer
		if err := write(&plain, p.b.String()); err != nil {
			t.Fatal(err)
		}
		text := plain.String()
		for _, whole := range []string{"13,310", "events", "2026-03-20 03:11Z"} {
			if !strings.Contains(text, whole) {
				t.Errorf("at %d columns %q is cut:\n%s", width, whole, text)
			}
		}
		for line := range strings.Lines(text) {
			if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %q", width, n, line)
			}
		}
		if width < roomy { // one below the other, with the headers beside each value
			if !strings.Contains(text, "user       somebody.with.a.long.name@example.com\n") {
				t.Errorf("at %d columns the user is cut:\n%s", width, text)
			}
			continue
		}
		letters := func(s string) int { return len(strings.Join(strings.Fields(s), "")) }
		if got, want := letters(text), letters(strings.Join(headers, "")+strings.Join(row, "")); got != want {
			t.Errorf("at %d columns %d letters are left of %d:\n%s", width, got, want, text)
		}
	}
}

// TestAddressesStayWhole: 206.157.173.1 above an 8 is another address.
func TestAddressesStayWhole(t *testing.T) {
	headers := []string{"address", "first", "last", "duration", "events", "resources"}
	values := []string{
		"206.157.173.18", "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "198.51.100.128/25", "28973e3b-a7a4-42dd-803c-5fcdf47a7600", "r.williams-smith@northgate.example",
	}
	for width := 40; width <= 120; width++ {
		for _, value := range values {
			p := &page{width: width}
			p.table(headers, [][]string{{value, "2026-03-20 03:11Z", "2026-03-21 14:20Z", "1d 11h", "13,310", "Microsoft Graph, Office 365 Exchange Online"}})
			var plain bytes.Buffer
			if err := write(&plain, p.b.String()); err != nil {
				t.Fatal(err)
			}
			for _, whole := range []string{value, "2026-03-20", "03:11Z", "13,310"} {
				// Beside the names of the columns a terminal of 40 has no room for an address of version 6.
				if width >= len("resources")+4+len(value) && !strings.Contains(plain.String(), whole) {
					t.Errorf("at %d columns %q is cut:\n%s", width, whole, plain.String())
				}
			}
			for line := range strings.Lines(plain.String()) {
				if n := lipgloss.Width(strings.TrimRight(line, "\n")); n > max(width, len("resources")+4+20) {
					t.Errorf("at %d columns a line has %d: %q", width, n, line)
				}
			}
		}
	}
}

// TestOneBelowTheOther: a row that is too wide keeps each of its values, and its hostile text stays on its line.
func TestOneBelowTheOther(t *testing.T) {
	got := oneBelowTheOther([]string{"Id", "UserAgent", "Empty"}, [][]string{{"a-b", "one two three four five six", ""}, {"c", "d", "e"}}, 34)
	want := `row 1
  Id         a-b
  UserAgent  one two three four
             five six

row 2
  Id         c
  UserAgent  d
  Empty      e

`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
