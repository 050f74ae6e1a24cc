package plan

import (
	"regexp"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// search binds `search`: a union of tables, each filtered by a condition in which a string is a term to look for in
// all columns.
// https://learn.microsoft.com/kusto/query/search-operator
func (b *binder) search(sc *scope, n Node, op *syntax.Search) Node {
	kind, at := b.option(op.Options, "kind")
	sensitive := strings.EqualFold(kind, "case_sensitive")
	if at != nil && !sensitive && !strings.EqualFold(kind, "default") && !strings.EqualFold(kind, "case_insensitive") {
		b.fail(diag.Semantic, at.Span(), "", "the kind of a search is default, case_insensitive or case_sensitive")
	}
	s := b.searched(sc, n, op, op.Tables)
	absent := s.columns()
	for i := range s.inputs {
		s.inputs[i] = b.searchOne(sc, s.inputs[i], op.Pred, absent, sensitive)
	}
	u := &Union{Inputs: s.inputs}
	b.unionColumns(u, false)
	b.withSource(u, "$table", s.names)
	return u
}

// searched are the tables of a search or find: those that it lists, what stands before it, or all.
func (b *binder) searched(sc *scope, n Node, op syntax.Operator, tables []syntax.Expr) *sources {
	s := &sources{}
	switch {
	case n != nil && len(tables) > 0:
		b.fail(diag.Semantic, op.Span(), "", "%s takes a table before it or a list of tables, not both", op.Keyword())
	case n != nil:
		b.splitUnion(n, s)
	case len(tables) > 0:
		b.sources(sc, s, tables, false)
	default:
		b.wildcardSources(sc, s, "*")
		b.dropEmpty(op, s)
	}
	return s
}

// dropEmpty leaves out the tables without rows where something else is searched: a database has the tables of its data,
// a case has all tables that it knows, and those without evidence would only add their columns.
func (b *binder) dropEmpty(op syntax.Operator, s *sources) {
	if b.opt.Ask == nil {
		return
	}
	var kept sources
	for i, in := range s.inputs {
		if _, stored := in.(*Scan); !stored || !b.isEmpty(op.Span(), in) {
			kept.add(in, s.names[i])
		}
	}
	if len(kept.inputs) > 0 {
		*s = kept
	}
}

// splitUnion tells the tables apart that stand before a search, for the names that it gives them.
func (b *binder) splitUnion(n Node, s *sources) {
	if u, ok := n.(*Union); ok {
		for i, in := range u.Inputs {
			one := &Compute{base: base{order: in.Ordering()}, In: in}
			for j, c := range u.cols {
				copied := b.copyOf(c)
				one.cols = append(one.cols, copied)
				one.Items = append(one.Items, Item{Col: copied, X: u.Maps[i][j]})
			}
			s.add(one, sourceName(in, "union_arg"+itoa(i)))
		}
		return
	}
	s.add(n, sourceName(n, "search_arg0"))
}

// sourceName is the table that rows come from, fallback when there is not one.
func sourceName(n Node, fallback string) string {
	switch n := n.(type) {
	case *Scan:
		return n.Table
	case *Ref:
		return n.Shared.Name
	case *Filter:
		return sourceName(n.In, fallback)
	case *Sort:
		return sourceName(n.In, fallback)
	case *Limit:
		return sourceName(n.In, fallback)
	}
	return fallback
}

// columns are those of all tables, of each name the first.
func (s *sources) columns() []*Column {
	var out []*Column
	for _, in := range s.inputs {
		for _, c := range visibleColumns(in) {
			if findColumn(out, c.Name) == nil {
				out = append(out, c)
			}
		}
	}
	return out
}

func (b *binder) searchOne(sc *scope, n Node, pred syntax.Expr, absent []*Column, sensitive bool) Node {
	f := b.row(sc, n)
	f.absent, f.sensitive = absent, sensitive
	return &Filter{base: base{cols: n.Columns(), order: n.Ordering()}, In: n, Pred: b.searchPredicate(f, pred)}
}

// searchPredicate binds the condition of a search or find: a string stands for itself in any column.
func (b *binder) searchPredicate(f *frame, x syntax.Expr) Expr {
	switch x := x.(type) {
	case *syntax.Star:
		return &Const{T: schema.Bool, V: true}
	case *syntax.Literal:
		if x.Kind == syntax.LitString {
			return b.inAnyColumn(f, x.Span(), func(c Expr) Expr { return b.term(f, c, x.Text) })
		}
	case *syntax.Binary:
		if x.Op == "and" || x.Op == "or" {
			return b.applyAt(x.OpSpan, x.Op, b.operator(x.Op), []Expr{b.searchPredicate(f, x.L), b.searchPredicate(f, x.R)})
		}
	case *syntax.Call:
		if x.Func.Name == "not" && len(x.Args) == 1 {
			return b.invent("not", b.searchPredicate(f, x.Args[0]))
		}
	}
	return b.predicate(f, x)
}

// anyColumn binds `* op x`, which is true when it is for one of the columns, and `column : "term"`. It returns nil for
// any other operation.
func (b *binder) anyColumn(f *frame, x *syntax.Binary) Expr {
	op := x.Op
	if f.sensitive {
		op = sensitive(op)
	}
	_, star := x.L.(*syntax.Star)
	term, isText := x.R.(*syntax.Literal)
	isText = isText && term.Kind == syntax.LitString
	switch {
	case op == ":" && !isText:
		b.fail(diag.Semantic, x.R.Span(), "", "`:` takes a string literal")
	case star && strings.HasPrefix(op, "!"): // the emulator's answer is not that it must be true for one column
		b.fail(diag.Unsupported, x.OpSpan, "not(* "+op[1:]+" ...)", "the operator `%s` on `*` is not supported: whether one column or all must fail the test is not documented", op)
	case star:
		right := b.text(x.R, b.scalar(f, x.R))
		return b.inAnyColumn(f, x.L.Span(), func(c Expr) Expr {
			if op == ":" {
				return b.term(f, c, term.Text)
			}
			fn, ok := function.Operator(op)
			if !ok {
				b.fail(diag.Unsupported, x.OpSpan, "", "the operator `%s` is not supported on `*`", op)
			}
			return b.applyAt(x.OpSpan, op, fn, []Expr{c, right})
		})
	case op == ":":
		return b.term(f, b.convert(b.scalar(f, x.L), schema.String), term.Text)
	case op != x.Op:
		return b.binary(f, &syntax.Binary{At: x.At, Op: op, OpSpan: x.OpSpan, L: x.L, R: x.R})
	}
	return nil
}

// sensitive is the case-sensitive twin of a string operator, itself when it has none.
func sensitive(op string) string {
	switch op {
	case "=~":
		return "=="
	case "!~":
		return "!="
	}
	if _, ok := function.Operator(op + "_cs"); ok {
		return op + "_cs"
	}
	return op
}

// inAnyColumn is true when test is for one of the columns, read as text.
func (b *binder) inAnyColumn(f *frame, at diag.Span, test func(Expr) Expr) Expr {
	if f.cols == nil {
		b.fail(diag.Semantic, at, "", "`*` and bare terms need the columns of a table")
	}
	var out Expr = &Const{T: schema.Bool, V: false}
	for i, c := range visibleColumnsOf(f.cols) {
		one := test(b.convert(&Col{c}, schema.String))
		if i == 0 {
			out = one
			continue
		}
		out = b.invent("or", out, one)
	}
	return out
}

// term tests a text for a term, whose asterisks say where more may stand.
func (b *binder) term(f *frame, text Expr, term string) Expr {
	core := strings.Trim(term, "*")
	before, after := strings.HasPrefix(term, "*"), strings.HasSuffix(term, "*") && len(term) > 1
	op := "has"
	switch {
	case core == "":
		return &Const{T: schema.Bool, V: true}
	case strings.Contains(core, "*"):
		op = "matches regex"
		core = termRegex(term, f.sensitive)
	case before && after:
		op = "contains"
	case before:
		op = "hassuffix"
	case after:
		op = "hasprefix"
	}
	if f.sensitive {
		op = sensitive(op)
	}
	return b.invent(op, text, &Const{T: schema.String, V: core})
}

// termRegex is the regular expression of a term with asterisks inside.
func termRegex(term string, sensitive bool) string {
	parts := strings.Split(term, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	pattern := strings.Join(parts, ".*")
	if !strings.HasPrefix(term, "*") {
		pattern = `\b` + pattern
	}
	if !strings.HasSuffix(term, "*") {
		pattern += `\b`
	}
	if !sensitive {
		pattern = "(?i)" + pattern
	}
	return pattern
}

// find binds `find`: a search whose columns are those of its condition and those that all tables share; the others are
// packed into a bag.
// https://learn.microsoft.com/kusto/query/find-operator
func (b *binder) find(sc *scope, n Node, op *syntax.Find) Node {
	s := b.searched(sc, n, op, op.Tables)
	named := map[string]bool{}
	syntax.Walk(op.Pred, func(x syntax.Expr) {
		if id, ok := x.(*syntax.Name); ok {
			named[id.Name] = true
		}
	})
	s = s.having(named)
	absent := s.columns()
	shared := s.shared()
	keep := func(c *Column) bool { return named[c.Name] || shared[c.Name] }
	if op.Project {
		keep = func(*Column) bool { return false }
	}
	pack := op.Pack || !op.Project && !all(absent, keep)
	for i, in := range s.inputs {
		one := b.searchOne(sc, in, op.Pred, absent, false)
		s.inputs[i] = b.findColumns(one, absent, op.Items, keep, pack)
	}
	u := &Union{Inputs: s.inputs}
	b.unionColumns(u, false)
	b.packLast(u)
	source := "source_"
	if name, at := b.option(op.Options, "withsource"); at != nil {
		source = name
	}
	b.withSource(u, source, s.names)
	return u
}

func all(cols []*Column, keep func(*Column) bool) bool {
	for _, c := range cols {
		if !keep(c) {
			return false
		}
	}
	return true
}

// having are the tables with at least one column of the names; all when none has.
func (s *sources) having(named map[string]bool) *sources {
	out := &sources{}
	for i, in := range s.inputs {
		for _, c := range visibleColumns(in) {
			if named[c.Name] {
				out.add(in, s.names[i])
				break
			}
		}
	}
	if len(out.inputs) == 0 {
		return s
	}
	return out
}

// shared are the columns that all tables have, with one type.
func (s *sources) shared() map[string]bool {
	out := map[string]bool{}
	for _, c := range s.columns() {
		out[c.Name] = true
		for _, in := range s.inputs {
			if own := findColumn(visibleColumns(in), c.Name); own == nil || own.Type != c.Type {
				out[c.Name] = false
			}
		}
	}
	return out
}

// packName is the column of the packed rest.
const packName = "pack_"

// findColumns makes the columns of one table of a find: declared ones or those to keep, and the bag of the rest.
func (b *binder) findColumns(n Node, absent []*Column, items []syntax.Param, keep func(*Column) bool, pack bool) Node {
	out := &Compute{In: n}
	placed := map[string]bool{}
	for _, p := range items {
		t := schema.Unknown
		if p.Type != "" {
			t, _ = schema.ParseType(p.Type)
		}
		own := findColumn(visibleColumns(n), p.Name.Name)
		other := findColumn(absent, p.Name.Name)
		switch {
		case other == nil:
			b.fail(diag.Semantic, p.Span(), "", "none of the tables has a column %s", p.Name.Name)
		case t == schema.Unknown && own != nil:
			t = own.Type
		case t == schema.Unknown:
			t = other.Type
		}
		x := null(t)
		if own != nil {
			x = b.convert(&Col{own}, t)
		}
		placed[p.Name.Name] = true
		c := b.column(p.Name.Name, t)
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: x})
	}
	var bag []Expr
	for _, c := range visibleColumns(n) {
		switch {
		case placed[c.Name]:
		case keep(c):
			out.cols = append(out.cols, c)
		default:
			bag = append(bag, &Const{T: schema.String, V: c.Name}, &Col{c})
		}
	}
	if pack {
		c := b.column(packName, schema.Dynamic)
		out.cols = append(out.cols, c)
		out.Items = append(out.Items, Item{Col: c, X: b.invent("bag_pack", bag...)})
	}
	return out
}

// packLast puts the bag behind the columns that later tables have added.
func (b *binder) packLast(u *Union) {
	for i, c := range u.cols {
		if c.Name != packName {
			continue
		}
		u.cols = append(append(append([]*Column(nil), u.cols[:i]...), u.cols[i+1:]...), c)
		for k, m := range u.Maps {
			u.Maps[k] = append(append(append([]Expr(nil), m[:i]...), m[i+1:]...), m[i])
		}
		return
	}
}
