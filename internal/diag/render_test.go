package diag

import (
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	text := "T\n| where Usr == \x1b[31m1"
	at := strings.Index(text, "Usr")
	l := &List{Source: &Source{Name: "q.kql", Text: text, FirstLine: 7, Indent: 2}}
	l.Add(Diagnostic{Kind: Semantic, Span: Span{Pos(at), Pos(at + 3)}, Message: "unknown name Usr", Suggestion: "User"})
	var b strings.Builder
	Render(&b, l, false)
	want := `q.kql:8:11: semantic error: unknown name Usr
    | where Usr == \x1b[31m1
            ^~~
  did you mean User
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"where", "extend", "summarize", "take"}
	for word, want := range map[string]string{"wher": "where", "Where": "where", "sumarise": "summarize", "zzzz": ""} {
		if got := Suggest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
