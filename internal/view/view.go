// Package view owns the questions of the single steps, such as `coverage` and `timeline`: KQL kept in files, asked of an
// engine within a time and for users. It renders nothing.
package view

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/replaytrace/replaytrace/hunts"
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/hunt"
	"github.com/replaytrace/replaytrace/internal/kql"
)

// View is one question.
type View struct {
	// Name is <command>.<part>, as its file is called.
	Name string
	// Title is the file's first line.
	Title string
	// Columns are those that a terminal shows, of `// table:` in the second line; nil shows all.
	Columns []string
	// Text is the KQL with the functions it names written out.
	Text string
}

// Filter limits the rows that a view looks at. The zero value takes all.
type Filter struct {
	Users        []string  // user principal names or object ids; case does not count
	Since, Until time.Time // of the events, both included; zero is open
	// Given are the rows that the view is about, a list of what marshals to JSON objects; only views that name Given use it.
	Given any
}

// parameters begin every view: the functions that they share use these.
const parameters = "declare query_parameters(Users: dynamic = dynamic([]), Since: datetime = datetime(0001-01-01), Until: datetime = datetime(9999-12-31T23:59:59.9999999Z), Given: dynamic = dynamic([]));\n"

const columnsMark = "// table: "

// Names lists the views that ship.
func Names() []string {
	files, _ := fs.Glob(hunts.Views, "views/*.kql") // the pattern is right
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "views/"), ".kql")
	}
	return files
}

// Load reads the view of that name; one that does not ship is an error.
func Load(name string) (*View, error) {
	file, err := fs.ReadFile(hunts.Views, "views/"+name+".kql")
	if err != nil {
		return nil, fmt.Errorf("there is no view %s: %w", name, err)
	}
	title, body, _ := strings.Cut(string(file), "\n")
	v := &View{Name: name, Title: strings.TrimSpace(strings.TrimPrefix(title, "//"))}
	if columns, rest, ok := strings.Cut(body, "\n"); ok && strings.HasPrefix(columns, columnsMark) {
		v.Columns, body = strings.Split(strings.TrimPrefix(columns, columnsMark), ", "), rest
	}
	body, err = hunt.Inline(body, hunts.Functions)
	if err != nil {
		return nil, fmt.Errorf("view %s: %w", name, err)
	}
	v.Text = parameters + body
	return v, nil
}

// Ask is Load and Run in one.
func Ask(ctx context.Context, engine hunt.Engine, name string, f Filter) (*kql.Rows, error) {
	v, err := Load(name)
	if err != nil {
		return nil, err
	}
	return v.Run(ctx, engine, f)
}

// Run asks the engine, with the filter as the query's parameters. The error is the engine's, or says what of Given is no JSON.
func (v *View) Run(ctx context.Context, engine hunt.Engine, f Filter) (*kql.Rows, error) {
	params, err := f.params()
	if err != nil {
		return nil, err
	}
	return engine.Query(ctx, kql.Request{Source: &diag.Source{Name: v.Name + ".kql", Text: v.Text}, Params: params})
}

// params are the filter as KQL literals; what limits nothing is left to the default.
func (f *Filter) params() (map[string]string, error) {
	p := map[string]string{}
	lower := make([]string, len(f.Users))
	for i, u := range f.Users {
		lower[i] = strings.ToLower(u)
	}
	for name, list := range map[string]any{"Users": lower, "Given": f.Given} {
		text, err := json.Marshal(list)
		if err != nil {
			return nil, fmt.Errorf("the parameter %s: %w", name, err)
		}
		if list != nil {
			p[name] = "dynamic(" + string(text) + ")"
		}
	}
	for name, t := range map[string]time.Time{"Since": f.Since, "Until": f.Until} {
		if !t.IsZero() {
			p[name] = "datetime(" + t.UTC().Format("2006-01-02T15:04:05.0000000Z") + ")"
		}
	}
	return p, nil
}
