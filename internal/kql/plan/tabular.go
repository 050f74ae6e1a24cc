package plan

import (
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// isTabular reports whether an expression is a table, without binding it.
func (b *binder) isTabular(sc *scope, x syntax.Expr) bool {
	if p, _, _ := patternCall(sc, x); p != nil {
		return true
	}
	switch x := x.(type) {
	case *syntax.Pipe:
		return len(x.Ops) > 0 || x.Source != nil && b.isTabular(sc, x.Source)
	case *syntax.Datatable, *syntax.ExternalData, *syntax.Wildcard:
		return true
	case *syntax.Name:
		if v, ok := sc.find(x.Name); ok {
			_, shared := v.(*Shared)
			if c, ok := v.(*closure); ok {
				return c.lit.View || c.required() == 0 && b.returnsTable(c)
			}
			return shared
		}
		_, ok := b.opt.Catalog.Table(x.Name)
		return ok
	case *syntax.Member:
		return leadsElsewhere(x) != nil
	case *syntax.Call:
		if v, ok := sc.find(x.Func.Name); ok {
			if c, ok := v.(*closure); ok {
				return b.returnsTable(c)
			}
		}
		if leadsElsewhere(x) != nil {
			return true
		}
		switch x.Func.Name {
		case "materialize", "table", "_GetWatchlist", "view":
			return true
		}
	}
	return false
}

// returnsTable reports whether a user function's body is a table. Its parameters may be tables too.
func (b *binder) returnsTable(c *closure) bool {
	if b.depth++; b.depth > maxDepth {
		b.fail(diag.Semantic, c.lit.Span(), "", "the function %s calls itself", c.name)
	}
	defer func() { b.depth-- }()
	sc := c.scope
	for _, p := range c.lit.Params {
		if p.Tabular {
			sc = sc.with(p.Name.Name, &Shared{})
		} else {
			sc = sc.with(p.Name.Name, null(schema.Dynamic))
		}
	}
	for _, st := range c.lit.Lets {
		let, ok := st.(*syntax.Let)
		if !ok {
			continue
		}
		if f, ok := let.Value.(*syntax.FuncLit); ok {
			sc = sc.with(let.Name.Name, &closure{lit: f, scope: sc, name: let.Name.Name})
		} else if b.isTabular(sc, let.Value) {
			sc = sc.with(let.Name.Name, &Shared{})
		} else {
			sc = sc.with(let.Name.Name, null(schema.Dynamic))
		}
	}
	return b.isTabular(sc, c.lit.Body)
}

// tabular binds an expression that must be a table.
func (b *binder) tabular(sc *scope, x syntax.Expr) Node {
	defer func(per *group) { b.per = per }(b.per)
	b.per = nil
	if p, call, path := patternCall(sc, x); p != nil {
		return b.invokePattern(sc, p, call, path)
	}
	switch x := x.(type) {
	case *syntax.Pipe:
		return b.pipe(sc, x)
	case *syntax.Name:
		return b.table(sc, x)
	case *syntax.Datatable:
		return b.datatable(sc, x)
	case *syntax.Call:
		return b.callTable(sc, x)
	case *syntax.ExternalData:
		return b.externalData(sc, x)
	}
	b.refuseElsewhere(x)
	b.fail(diag.Semantic, x.Span(), "", "a table is expected here")
	return nil
}

// elsewhere are the functions that lead to other databases. https://learn.microsoft.com/kusto/query/cross-cluster-or-database-queries
var elsewhere = map[string]bool{"cluster": true, "database": true, "workspace": true, "app": true, "adx": true, "resource": true}

// refuseElsewhere says that a table such as database("d").T is not at hand.
func (b *binder) refuseElsewhere(x syntax.Expr) {
	if call := leadsElsewhere(x); call != nil {
		b.fail(diag.Unsupported, call.Func.Span(), "", "%s(...) is not supported: a query reads the case only", call.Func.Name)
	}
}

// leadsElsewhere is the call that a path such as cluster("c").database("d").T begins with; nil for any other expression.
func leadsElsewhere(x syntax.Expr) *syntax.Call {
	switch x := x.(type) {
	case *syntax.Member:
		return leadsElsewhere(x.X)
	case *syntax.Call:
		if elsewhere[x.Func.Name] {
			return x
		}
		if strings.HasPrefix(x.Func.Name, ".") {
			return leadsElsewhere(x.Args[0])
		}
	}
	return nil
}

func (b *binder) pipe(sc *scope, x *syntax.Pipe) Node {
	var n Node
	if x.Source != nil {
		n = b.tabular(sc, x.Source)
	}
	return b.ops(sc, n, x.Ops)
}

func (b *binder) ops(sc *scope, n Node, ops []syntax.Operator) Node {
	wrong := false
	for _, op := range ops {
		if as, ok := op.(*syntax.As); ok {
			b.onceOnly(op)
			s := b.share(as.Name.Name, n)
			s.Named = true
			sc = sc.with(as.Name.Name, s)
			n = b.ref(s)
			continue
		}
		var next Node
		_, bad := op.(*syntax.Bad)
		switch {
		case bad:
			panic(failed{})
		case b.attempt(func() { next = b.op(sc, n, op) }):
			n = next
		case n != nil && keepsColumns(op):
			wrong = true // what follows sees the same columns, and may have errors of its own
		default:
			panic(failed{})
		}
	}
	if wrong {
		panic(failed{})
	}
	return n
}

// keepsColumns reports whether an operator hands on the columns that it is given.
func keepsColumns(op syntax.Operator) bool {
	switch op.(type) {
	case *syntax.Where, *syntax.Sort, *syntax.Top, *syntax.Take, *syntax.Render:
		return true
	}
	return false
}

func (b *binder) table(sc *scope, x *syntax.Name) Node {
	if v, ok := sc.find(x.Name); ok {
		switch v := v.(type) {
		case *Shared:
			if g, ok := v.Plan.(*graph); ok {
				return g
			}
			return b.ref(v)
		case *closure:
			return b.callClosure(v, x.Span(), nil, nil)
		case broken:
			panic(failed{})
		}
		b.fail(diag.Semantic, x.Span(), "", "%s is a scalar, a table is expected here", x.Name)
	}
	if t, ok := b.opt.Catalog.Table(x.Name); ok {
		if !slices.Contains(b.tables, t.Name) {
			b.tables = append(b.tables, t.Name)
		}
		return b.scan(t)
	}
	b.refuseParser(x)
	b.fail(diag.Semantic, x.Span(), suggest(x.Name, append(sc.names(), b.opt.Catalog.TableNames()...)), "unknown table %s", x.Name)
	return nil
}

func (b *binder) scan(t *schema.Table) Node {
	s := &Scan{Table: t.Name, members: t.Members, Source: make([]string, 0, len(t.Columns))}
	s.cols = make([]*Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		col := b.column(c.Name, c.Type)
		col.Hidden = c.Hidden
		s.cols = append(s.cols, col)
		s.Source = append(s.Source, c.Name)
	}
	return s
}

// ref reads a shared plan, the columns that only its order needs among the others. The first reader gets the plan's own
// columns, any other one fresh ones: two that meet in a join tell their columns apart.
func (b *binder) ref(s *Shared) *Ref {
	r := &Ref{Shared: s, Own: !s.read, Copies: make([]Copy, len(s.Handed))}
	s.read = true
	width := len(s.Plan.Columns())
	r.cols = s.Handed[:width:width]
	if !r.Own {
		r.cols = make([]*Column, width)
	}
	for i, c := range s.Handed {
		if r.Copies[i] = (Copy{c, c}); r.Own {
			continue
		}
		r.Copies[i].Col = b.copyOf(c)
		if i < width {
			r.cols[i] = r.Copies[i].Col
		}
	}
	for _, k := range s.Plan.Ordering() {
		c, ok := k.X.(*Col)
		if !ok {
			break
		}
		k.X = &Col{r.Copies[slices.Index(s.Handed, c.C)].Col}
		r.order = append(r.order, k)
	}
	return r
}

func (b *binder) callTable(sc *scope, x *syntax.Call) Node {
	b.refuseElsewhere(x)
	if v, ok := sc.find(x.Func.Name); ok {
		if c, ok := v.(*closure); ok {
			return b.callClosure(c, x.Span(), sc, x.Args)
		}
	}
	switch x.Func.Name {
	case "materialize":
		b.arity(x, 1, 1)
		s := b.share(materialized, b.tabular(sc, x.Args[0]))
		s.Keep = b.per == nil // what a subquery materializes belongs to its group
		return b.ref(s)
	case "table":
		b.arity(x, 1, 2)
		if c, ok := b.scalar(&frame{scope: sc}, x.Args[0]).(*Const); ok && c.T == schema.String {
			name, _ := c.V.(string)
			return b.table(sc, &syntax.Name{At: syntax.At{Pos: x.Args[0].Span()}, Name: name})
		}
		b.fail(diag.Semantic, x.Args[0].Span(), "", "table() takes the table's name as a constant")
	case "_GetWatchlist":
		return b.watchlist(sc, x)
	}
	if _, ok := function.Lookup(x.Func.Name); ok {
		b.fail(diag.Semantic, x.Span(), "", "%s returns a scalar, a table is expected here", x.Func.Name)
	}
	b.unknownFunction(x)
	return nil
}

// watchlist reads a Sentinel watchlist; an unknown one is an empty table whose columns are dynamic, as the tool's
// contract has it.
func (b *binder) watchlist(sc *scope, x *syntax.Call) Node {
	b.arity(x, 1, 2)
	alias, ok := b.scalar(&frame{scope: sc}, x.Args[0]).(*Const)
	if !ok || alias.T != schema.String {
		b.fail(diag.Semantic, x.Args[0].Span(), "", "the alias of a watchlist must be a constant string")
	}
	name, _ := alias.V.(string)
	if t, ok := b.opt.Catalog.Watchlist(name); ok {
		return b.scan(t)
	}
	b.note("the watchlist %q is unknown: it is read as an empty table", name)
	v := &Values{Ordinal: b.column("", schema.Long)}
	v.Ordinal.Hidden = true
	for _, c := range []schema.Column{
		{Name: "_DTItemId", Type: schema.String},
		{Name: "LastUpdatedTimeUTC", Type: schema.Datetime},
		{Name: "SearchKey", Type: schema.String},
		{Name: "WatchlistItem", Type: schema.Dynamic},
	} {
		v.cols = append(v.cols, b.column(c.Name, c.Type))
	}
	v.cols = append(v.cols, b.openColumn())
	return v
}

// openColumn makes a column that stands for all columns of any name.
func (b *binder) openColumn() *Column {
	open := b.column("*", schema.Unknown)
	open.Hidden, open.Open = true, true
	return open
}

func (b *binder) datatable(sc *scope, x *syntax.Datatable) Node {
	v := &Values{Ordinal: b.column("", schema.Long)}
	v.Ordinal.Hidden = true
	for _, p := range x.Columns {
		t, ok := schema.ParseType(p.Type)
		if !ok {
			b.fail(diag.Semantic, p.Span(), "", "unknown type %s", p.Type)
		}
		if findColumn(v.cols, p.Name.Name) != nil {
			b.failDeclared(p.Span(), p.Name.Name)
		}
		v.cols = append(v.cols, b.column(p.Name.Name, t))
	}
	v.order = []Key{{X: &Col{v.Ordinal}, Origin: Written}}
	width := len(v.cols)
	if width == 0 || len(x.Values)%width != 0 {
		b.fail(diag.Semantic, x.Span(), "", "a datatable of %d columns cannot hold %d values", width, len(x.Values))
	}
	for i := 0; i < len(x.Values); i += width {
		row := make([]Expr, width)
		for k := range row {
			row[k] = b.cell(sc, x.Values[i+k], v.cols[k].Type)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}

func (b *binder) cell(sc *scope, x syntax.Expr, t schema.Type) Expr {
	e := b.scalar(&frame{scope: sc}, x)
	if e.Type() == t {
		return e
	}
	if c, ok := e.(*Const); ok && c.V == nil {
		return null(t)
	}
	if c, ok := e.(*Const); ok && c.T == schema.String && c.V == "" && t != schema.Dynamic {
		return null(t)
	}
	return b.convert(e, t)
}

// callClosure binds a user function's body with its arguments.
func (b *binder) callClosure(c *closure, at diag.Span, sc *scope, args []syntax.Expr) Node {
	inner, done := b.enter(c, at, &frame{scope: sc}, args)
	defer done()
	return b.tabular(inner, c.lit.Body)
}

func (b *binder) callScalar(f *frame, x *syntax.Call, c *closure) Expr {
	inner, done := b.enter(c, x.Span(), f, x.Args)
	defer done()
	if b.isTabular(inner, c.lit.Body) {
		b.fail(diag.Semantic, x.Span(), "toscalar("+c.name+"(...))", "%s returns a table, a scalar is expected here", c.name)
	}
	// The body sees no columns, but what it draws is drawn for each row of the caller.
	return b.scalar(&frame{scope: inner, windows: f.windows}, c.lit.Body)
}

// enter makes the scope of a call: parameters, then the lets of the body.
func (b *binder) enter(c *closure, at diag.Span, f *frame, args []syntax.Expr) (*scope, func()) {
	if b.depth++; b.depth > maxDepth {
		b.fail(diag.Semantic, at, "", "the function %s calls itself", c.name)
	}
	if len(args) > len(c.lit.Params) {
		b.fail(diag.Semantic, at, "", "%s takes %s, here are %d", c.name, plural(c.required(), len(c.lit.Params)), len(args))
	}
	given := b.arguments(c, args)
	outer := b.unnamed
	sc := c.scope
	for i, p := range c.lit.Params {
		switch {
		case given[i] != nil && p.Tabular:
			sc = sc.with(p.Name.Name, b.share(p.Name.Name, b.tabular(f.scope, given[i])))
		case given[i] != nil:
			sc = sc.with(p.Name.Name, b.argument(p, b.scalar(f, given[i])))
		case p.Default != nil:
			sc = sc.with(p.Name.Name, b.argument(p, b.scalar(&frame{scope: c.scope}, p.Default)))
		default:
			b.fail(diag.Semantic, at, "", "%s needs a value for its parameter %s", c.name, p.Name.Name)
		}
	}
	b.unnamed = new(int)
	for _, st := range c.lit.Lets {
		if let, ok := st.(*syntax.Let); ok {
			sc = b.let(sc, let)
		}
	}
	return sc, func() { b.depth--; b.unnamed = outer }
}

// arguments puts named arguments to their parameters.
func (b *binder) arguments(c *closure, args []syntax.Expr) []syntax.Expr {
	given := make([]syntax.Expr, len(c.lit.Params))
	for i, a := range args {
		if n, ok := a.(*syntax.Named); ok && len(n.Names) == 1 {
			found := false
			for k, p := range c.lit.Params {
				if p.Name.Name == n.Names[0].Name {
					given[k], found = n.X, true
				}
			}
			if found {
				continue
			}
			b.fail(diag.Semantic, a.Span(), "", "%s has no parameter %s", c.name, n.Names[0].Name)
		}
		given[i] = a
	}
	return given
}

func (b *binder) argument(p syntax.Param, v Expr) Expr {
	t, ok := schema.ParseType(p.Type)
	if !ok {
		return v
	}
	if v.Type() != t && !convertible(v.Type(), t) {
		b.fail(diag.Semantic, p.Span(), "", "the parameter %s is %s, a value of type %s was given", p.Name.Name, t, v.Type())
	}
	return b.convert(v, t)
}
