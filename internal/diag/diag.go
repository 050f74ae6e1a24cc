// Package diag owns what replaytrace says about texts that users wrote (KQL, rules, tenant files): where a
// finding is, what is wrong and what to type instead. It knows neither KQL nor evidence; it only keeps positions
// and renders them.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pos is a byte offset into a Source's text, counted from 0. Every token and every node of a query has two: they are small.
type Pos int32

// Span is the half-open byte range [Start, End) of a Source's text.
type Span struct {
	Start, End Pos
}

// To returns the smallest span that covers s and t.
func (s Span) To(t Span) Span {
	return Span{Start: min(s.Start, t.Start), End: max(s.End, t.End)}
}

// Kind is the class of a Diagnostic as the `query --batch` contract names it.
type Kind string

// The kinds of a Diagnostic.
const (
	Syntax      Kind = "syntax"      // the text is not KQL
	Semantic    Kind = "semantic"    // the text is KQL, but names or types do not fit
	Unsupported Kind = "unsupported" // Kusto would run it, replaytrace refuses rather than approximates
	Runtime     Kind = "runtime"     // the engine failed while running it
)

// Diagnostic is one message about one place of a Source.
type Diagnostic struct {
	Kind       Kind
	Span       Span
	Message    string   // lower case, no final stop
	Notes      []string // further sentences, shown below the caret
	Suggestion string   // what to type instead, if known
}

// Source is a named text that diagnostics point into. Line and Column of its first byte may be shifted, for a query
// that stands inside a YAML file.
type Source struct {
	Name string
	Text string
	// FirstLine is the number of the text's first line in the file it came from, 1 if zero.
	FirstLine int
	// Indent is how many bytes the surrounding file puts before each line of the text.
	Indent int
}

// Position is a place as editors show it: line and column from 1, columns counted in code points.
type Position struct {
	Line, Column int
}

// Position returns where p lies. A p beyond the text is clamped to its end.
func (s *Source) Position(p Pos) Position {
	p = max(0, min(p, Pos(len(s.Text))))
	before := s.Text[:p]
	line := strings.Count(before, "\n")
	start := strings.LastIndexByte(before, '\n') + 1
	return Position{
		Line:   line + max(s.FirstLine, 1),
		Column: len([]rune(before[start:])) + 1 + s.Indent,
	}
}

// List is every diagnostic of one Source. It is an error.
type List struct {
	Source *Source
	Items  []Diagnostic
}

// Error renders the first diagnostic in one line and counts the rest. Render shows all of them.
func (l *List) Error() string {
	if len(l.Items) == 0 {
		return "no diagnostics"
	}
	d := l.Items[0]
	pos := l.Source.Position(d.Span.Start)
	text := fmt.Sprintf("%s:%d:%d: %s", l.Source.Name, pos.Line, pos.Column, d.Message)
	if len(l.Items) > 1 {
		text += fmt.Sprintf(" (and %d more)", len(l.Items)-1)
	}
	return text
}

// Err returns l as an error, nil when it is empty.
func (l *List) Err() error {
	if l == nil || len(l.Items) == 0 {
		return nil
	}
	return l
}

// Add appends a diagnostic.
func (l *List) Add(d Diagnostic) { l.Items = append(l.Items, d) }

// With adds the diagnostics that stand in err, if it is a List, and puts all in the order of the text.
func (l *List) With(err error) *List {
	if more, ok := AsList(err); ok {
		l.Items = append(l.Items, more.Items...)
	}
	slices.SortStableFunc(l.Items, func(a, b Diagnostic) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	return l
}

// AsList finds the List in err's chain.
func AsList(err error) (*List, bool) {
	var l *List
	ok := errors.As(err, &l)
	return l, ok
}
