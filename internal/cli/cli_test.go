package cli

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/replaytrace/replaytrace/internal/diag"
)

// TestExitCodes holds the contract: 2 is the user's text or command, 70 a fault of ours, whatever it is wrapped in.
func TestExitCodes(t *testing.T) {
	about := func(kind diag.Kind) error {
		list := &diag.List{Source: &diag.Source{Name: "query", Text: "T"}}
		list.Add(diag.Diagnostic{Kind: kind, Message: "m"})
		return fmt.Errorf("view: %w", list)
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{&exit{exitPartial, nil}, exitPartial},
		{errors.Join(nil, &exit{exitFound, errors.New("found")}), exitFound},
		{about(diag.Semantic), exitUsage},
		{about(diag.Unsupported), exitUsage},
		{about(diag.Runtime), exitInternal},
		{errors.New("internal error in the KQL compiler"), exitInternal},
	} {
		if got := finish(Streams{Err: io.Discard}, c.err); got != c.want {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.want)
		}
	}
	for _, args := range [][]string{{"hnut"}, {"verify", "x"}, {"hunt", "--nothing"}, {"apps", "lookup", "--format", "xml"}, {"query", "print 1", "--format", "xml"}} {
		if got := Main(args, Streams{Out: io.Discard, Err: io.Discard}); got != exitUsage {
			t.Errorf("%q ends with %d, want %d", args, got, exitUsage)
		}
	}
}
