package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/slab"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// Options are the surroundings of a query.
type Options struct {
	Catalog Catalog
	Now     schema.Ticks      // what now() means
	Params  map[string]string // values of declared query parameters, as KQL literals
	// Ask runs a plan while another is being bound; nil where no data are at hand.
	Ask func(*Plan) ([][]schema.Value, error)
	// External reads a source of externaldata as a table of strings; without its first record where that is asked for. It
	// returns nil for a source that nobody has named. The function itself is nil where there are no sources.
	External func(source, format string, ignoreFirst bool) (*schema.Table, error)
}

// Bind makes the plan of a script. The error is a *diag.List.
func Bind(src *diag.Source, script *syntax.Script, opt Options) (*Plan, error) {
	b := &binder{src: src, opt: opt, list: &diag.List{Source: src}, settings: map[string]Expr{}, brought: map[asked]*Column{}, lists: map[list][]Expr{}, cells: map[place]Expr{}, unnamed: new(int)}
	p := b.script(script)
	if p == nil || b.list.Err() != nil { // without a message where the text has a syntax error
		return nil, b.list.With(nil)
	}
	b.optimize(p.Root)
	p.Notes, p.Tables = b.notes, b.tables
	p.Visualization = b.visualization
	return p, nil
}

type binder struct {
	src           *diag.Source
	opt           Options
	list          *diag.List
	nextID        int
	made          made
	nextShared    int
	depth         int
	notes         []string
	tables        []string
	visualization string
	inTemplate    bool  // the text in hand is a plugin's own
	drawn         int64 // how many calls draw by lot
	unnamed       *int  // how many expressions got a number for a name, in the query or the body of the function in hand
	// brought are the columns of stored members by what was asked.
	brought map[asked]*Column
	// lists are the elements of constant arrays, as values of a type.
	lists map[list][]Expr
	// cells are what the toscalar() of each place stands for.
	cells map[place]Expr
	// settings are the options of `set` that have a meaning here.
	settings map[string]Expr
	// per is the group in which the operators of a subquery work, each as if it were alone: a row of mv-apply, a key of
	// partition. It is nil outside of them.
	per *group
}

// made are the values of which a plan has many.
type made struct {
	columns   slab.Of[Column]
	cols      slab.Of[Col]
	constants slab.Of[Const]
	applies   slab.Of[Apply]
	exprs     slab.Of[Expr]
	values    slab.Of[value]
	frames    slab.Of[frame]
	windows   slab.Of[windows]
}

// maxDepth bounds the nesting of user functions, which could otherwise call themselves without end.
const maxDepth = 64

// failed is thrown by fail and caught at the next statement or operator, so that one run shows many errors.
type failed struct{}

func (b *binder) fail(kind diag.Kind, at diag.Span, suggestion, format string, args ...any) {
	b.report(kind, at, suggestion, format, args...)
	panic(failed{})
}

func (b *binder) report(kind diag.Kind, at diag.Span, suggestion, format string, args ...any) {
	b.list.Add(diag.Diagnostic{Kind: kind, Span: at, Message: fmt.Sprintf(format, args...), Suggestion: suggestion})
}

// attempt runs f and reports whether it came to its end without a diagnostic thrown.
func (b *binder) attempt(f func()) (ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(failed); !is {
				panic(r)
			}
			ok = false
		}
	}()
	f()
	return true
}

func (b *binder) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if slices.Contains(b.notes, text) {
		return
	}
	b.notes = append(b.notes, text)
}

func (b *binder) column(name string, t schema.Type) *Column {
	b.nextID++
	return b.made.columns.New(Column{ID: b.nextID, Name: name, Type: t})
}

// col is the value of a column.
func (b *binder) col(c *Column) *Col { return b.made.cols.New(Col{c}) }

func (b *binder) copyOf(c *Column) *Column {
	n := b.column(c.Name, c.Type)
	n.Hidden, n.Open = c.Hidden, c.Open
	return n
}

// scope is a chain of let names; the row in view is in frame.
type scope struct {
	parent *scope
	name   string
	value  any // Expr, *Shared, *closure or *syntax.Pipe's plan
}

func (s *scope) find(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		if s.name == name {
			return s.value, true
		}
	}
	return nil, false
}

func (s *scope) with(name string, value any) *scope {
	return &scope{parent: s, name: name, value: value}
}

func (s *scope) names() []string {
	var names []string
	for ; s != nil; s = s.parent {
		names = append(names, s.name)
	}
	return names
}

// closure is a user function with the scope it was written in.
type closure struct {
	lit   *syntax.FuncLit
	scope *scope
	name  string
}

// required is how many arguments a call must give at least.
func (c *closure) required() int {
	n := 0
	for _, p := range c.lit.Params {
		if p.Default == nil {
			n++
		}
	}
	return n
}

func (b *binder) script(s *syntax.Script) *Plan {
	var sc *scope
	var root *Plan
	declared := map[string]bool{}
	for _, st := range s.Statements {
		b.attempt(func() {
			switch st := st.(type) {
			case *syntax.Let:
				if name := st.Name.Name; declared[name] {
					b.fail(diag.Semantic, st.Name.Span(), "", "a variable named %s is declared already", name)
				}
				declared[st.Name.Name] = true
				sc = b.let(sc, st)
			case *syntax.Set:
				if strings.HasPrefix(st.Name, binAuto) && st.Value != nil {
					b.settings[st.Name] = b.scalar(&frame{}, st.Value)
					return
				}
				b.note("the request option `set %s` is ignored", st.Name)
			case *syntax.DeclareParams:
				sc = b.params(sc, st)
			case *syntax.DeclarePattern:
				p := &declaredPattern{cases: st.Cases}
				sc = sc.with(st.Name.Name, p)
				p.scope = sc
			case *syntax.ExprStatement:
				if root != nil {
					b.fail(diag.Unsupported, st.Span(), "", "several queries in one text are not supported: run them one by one")
				}
				root = b.query(sc, st.X)
			}
		})
		if let, ok := st.(*syntax.Let); ok && let.Name != nil {
			if _, bound := sc.find(let.Name.Name); !bound {
				sc = sc.with(let.Name.Name, broken{})
			}
		}
	}
	asked := slices.ContainsFunc(s.Statements, func(st syntax.Statement) bool { _, is := st.(*syntax.ExprStatement); return is })
	if !asked && len(b.list.Items) == 0 {
		b.report(diag.Syntax, s.Span(), "", "the text holds no query")
	}
	return root
}

// broken stands for a let whose value has an error that is reported already.
type broken struct{}

func (b *binder) let(sc *scope, st *syntax.Let) *scope {
	return sc.with(st.Name.Name, b.letValue(sc, st.Name.Name, st.Value))
}

func (b *binder) letValue(sc *scope, name string, x syntax.Expr) any {
	if f, ok := x.(*syntax.FuncLit); ok {
		return &closure{lit: f, scope: sc, name: name}
	}
	if b.isTabular(sc, x) {
		n := b.tabular(sc, x)
		if r, ok := n.(*Ref); ok && r.Shared.Keep && r.Shared.Name == materialized {
			// The let is the kept table, not a plan that copies it for whoever reads it twice. Whoever looks at the table knows it
			// by the let's name.
			r.Shared.Name, r.Shared.read = name, false
			return r.Shared
		}
		return b.share(name, n)
	}
	if draws(sc, x) {
		return &closure{lit: &syntax.FuncLit{At: syntax.At{Pos: x.Span()}, Body: x}, scope: sc, name: name}
	}
	return b.scalar(&frame{scope: sc}, x)
}

func (b *binder) share(name string, n Node) *Shared {
	b.nextShared++
	s := &Shared{ID: b.nextShared, Name: name, Plan: n, Handed: slices.Clip(n.Columns())}
	for _, k := range n.Ordering() {
		c, ok := k.X.(*Col)
		if !ok {
			break
		}
		if !slices.Contains(s.Handed, c.C) {
			s.Handed = append(s.Handed, c.C)
		}
	}
	return s
}

func (b *binder) params(sc *scope, st *syntax.DeclareParams) *scope {
	for _, p := range st.Params {
		var value Expr
		if text, ok := b.opt.Params[p.Name.Name]; ok {
			value = b.paramValue(p, text)
		} else if p.Default != nil {
			value = b.scalar(&frame{scope: sc}, p.Default)
		} else {
			b.report(diag.Semantic, p.Span(), "", "query parameter %s has no value: give it with --param %s=...", p.Name.Name, p.Name.Name)
			value = &Const{T: schema.Dynamic} // so that its name is known, and this is the only error
		}
		if t, ok := schema.ParseType(p.Type); ok {
			value = b.convert(value, t)
		}
		sc = sc.with(p.Name.Name, value)
	}
	return sc
}

func (b *binder) paramValue(p syntax.Param, text string) Expr {
	if t, _ := schema.ParseType(p.Type); t == schema.String {
		return &Const{T: schema.String, V: text}
	}
	src := &diag.Source{Name: "--param " + p.Name.Name, Text: "print " + text}
	script, list := syntax.Parse(src)
	if list.Err() == nil && len(script.Statements) == 1 {
		if st, ok := script.Statements[0].(*syntax.ExprStatement); ok {
			if pipe, ok := st.X.(*syntax.Pipe); ok && len(pipe.Ops) == 1 {
				if print, ok := pipe.Ops[0].(*syntax.Print); ok && len(print.Items) == 1 {
					return b.scalar(&frame{}, print.Items[0])
				}
			}
		}
	}
	b.fail(diag.Semantic, p.Span(), "", "the value of query parameter %s is not a KQL literal", p.Name.Name)
	return nil
}

func (b *binder) query(sc *scope, x syntax.Expr) *Plan {
	if !b.isTabular(sc, x) {
		// A bare scalar is a query too: it returns one row with one column.
		value := b.scalar(&frame{scope: sc}, x)
		x0 := b.column("Result", value.Type())
		in := b.oneRow()
		return b.result(&Compute{base: base{cols: []*Column{x0}}, In: in, Items: []Item{{Col: x0, X: value}}})
	}
	n := b.tabular(sc, x)
	if _, ok := n.(*graph); ok {
		b.fail(diag.Unsupported, x.Span(), "", "a graph as the answer is not supported: end with `graph-match` or `graph-to-table`")
	}
	return b.result(n)
}

func (b *binder) result(n Node) *Plan {
	p := &Plan{Root: n}
	for _, c := range n.Columns() {
		if c.Hidden {
			continue
		}
		if c.Type == schema.Unknown { // it holds nulls only, and a result has a type that KQL knows
			c.Type = schema.Dynamic
		}
		p.Columns = append(p.Columns, c)
	}
	return p
}

func (b *binder) oneRow() Node {
	ordinal := b.column("", schema.Long)
	ordinal.Hidden = true
	return &Values{base: base{cols: []*Column{}, order: []Key{{X: &Col{ordinal}, Origin: Written}}}, Rows: [][]Expr{{}}, Ordinal: ordinal}
}
