package diag

import (
	"fmt"
	"io"
)

// Render writes every diagnostic of a list.
func Render(w io.Writer, l *List, color bool) {
	for _, d := range l.Items {
		pos := l.Source.Position(d.Span.Start)
		_, _ = fmt.Fprintf(w, "%s:%d:%d: %s error: %s\n", l.Source.Name, pos.Line, pos.Column, d.Kind, d.Message)
	}
}
