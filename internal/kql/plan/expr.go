package plan

import (
	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// frame is what a scalar expression can see: the row's columns, then the scope.
type frame struct {
	scope *scope
	cols  []*Column
	left  []*Column // of a join's condition
	right []*Column
	in    Node // the input of the operator; nil outside of one
	// aggs collects the aggregates of a summarize; nil where aggregates are not allowed.
	aggs *aggregates
	// windows collects window functions; nil where they are not allowed.
	windows *windows
	// absent are columns that other tables of a search have: they are null here.
	absent []*Column
	// states finds what a step of a scan remembers; nil outside of one.
	states func(step, column *syntax.Name) Expr
	// match is the pattern of a graph whose elements are known; nil outside of one.
	match *matching
	// sensitive makes the string operators of a search case-sensitive.
	sensitive bool
}

// perRow reports whether an expression has a value for each row of the operator's input, as those around the aggregates
// of a summarize do not: only there a function that reads other rows can stand.
func (f *frame) perRow() bool { return f.windows != nil && f.aggs == nil }

// null is the typed null.
func null(t schema.Type) Expr {
	if t == schema.String {
		return &Const{T: t, V: ""}
	}
	return &Const{T: t}
}

// scalar binds an expression that must be a scalar.
func (b *binder) scalar(f *frame, x syntax.Expr) Expr {
	switch x := x.(type) {
	case *syntax.Literal:
		return b.literal(x)
	case *syntax.Name:
		return b.name(f, x)
	case *syntax.Unary:
		return b.unary(f, x)
	case *syntax.Binary:
		return b.binary(f, x)
	case *syntax.Between:
		return b.between(f, x)
	case *syntax.In:
		return b.in(f, x)
	case *syntax.Member:
		return b.member(f, x)
	case *syntax.Index:
		return b.index(f, x)
	case *syntax.Call:
		return b.call(f, x)
	case *syntax.Named:
		return b.scalar(f, x.X)
	case *syntax.Pipe:
		if len(x.Ops) == 0 && x.Source != nil {
			return b.scalar(f, x.Source)
		}
		b.fail(diag.Semantic, x.Span(), "", "a scalar is expected here, not a table: wrap it in toscalar(...)")
	case *syntax.Star:
		b.fail(diag.Semantic, x.Span(), "", "`*` is not allowed here")
	case *syntax.TypeLit:
		b.fail(diag.Semantic, x.Span(), "", "typeof() is not allowed here")
	default:
		b.fail(diag.Semantic, x.Span(), "", "a scalar expression is expected here")
	}
	return nil
}

// scalars binds several expressions, so that the errors of all are told.
func (b *binder) scalars(f *frame, xs ...syntax.Expr) []Expr {
	var few [8]Expr
	out := append(few[:0], make([]Expr, len(xs))...)
	wrong := false
	for i, x := range xs {
		wrong = !b.attempt(func() { out[i] = b.scalar(f, x) }) || wrong
	}
	if wrong {
		panic(failed{})
	}
	return b.made.exprs.List(out)
}

// bound turns what a let name stands for into a scalar.
func (b *binder) boundScalar(f *frame, x *syntax.Name, value any) Expr {
	switch v := value.(type) {
	case Expr:
		return v
	case broken:
		panic(failed{})
	case *Shared:
		b.fail(diag.Semantic, x.Span(), "toscalar("+x.Name+")", "%s is a table, a scalar is expected here", x.Name)
	case *closure: // a function without parameters is called by its name alone
		return b.callScalar(f, &syntax.Call{At: x.At, Func: x}, v)
	}
	b.fail(diag.Semantic, x.Span(), "", "%s is not a scalar", x.Name)
	return nil
}

func findColumn(cols []*Column, name string) *Column {
	for _, c := range cols {
		if c.Name == name && c.ID != 0 {
			return c
		}
	}
	return nil
}

// namesOf are the names of columns.
func namesOf(cols []*Column) []string {
	var names []string
	for _, c := range cols {
		names = append(names, c.Name)
	}
	return names
}

// existing finds the column that must be there; where it is not, the binder says what lacks it, and the nearest name.
func (b *binder) existing(cols []*Column, name *syntax.Name, lacking string) *Column {
	c := findColumn(cols, name.Name)
	if c == nil {
		b.fail(diag.Semantic, name.Span(), suggest(name.Name, namesOf(cols)), "%s %s", lacking, name.Name)
	}
	return c
}

// unknownColumn is what lacks a column where it needs no saying whose columns were looked at.
const unknownColumn = "unknown column"

func (b *binder) name(f *frame, x *syntax.Name) Expr {
	if c := findColumn(f.cols, x.Name); c != nil {
		return b.col(c)
	}
	if f.match != nil && f.match.elements[x.Name] != nil {
		b.refuseElement(f.match.elements[x.Name], x)
	}
	if v, ok := f.scope.find(x.Name); ok {
		return b.boundScalar(f, x, v)
	}
	if isOpen(f.cols) {
		return null(schema.Unknown)
	}
	if c := findColumn(f.absent, x.Name); c != nil {
		return null(c.Type)
	}
	if f.right != nil && findColumn(f.right, x.Name) != nil {
		b.fail(diag.Semantic, x.Span(), "$right."+x.Name, "the column %s belongs to the right side", x.Name)
	}
	if _, isTable := b.opt.Catalog.Table(x.Name); isTable {
		b.fail(diag.Semantic, x.Span(), "toscalar("+x.Name+" | ...)", "%s is a table, a scalar is expected here", x.Name)
	}
	b.fail(diag.Semantic, x.Span(), suggest(x.Name, b.visible(f)), "unknown name %s", x.Name)
	return nil
}

// isOpen reports whether columns of any name exist: an unknown watchlist is among the tables.
func isOpen(cols []*Column) bool {
	return openColumn(cols) != nil
}

func openColumn(cols []*Column) *Column {
	for _, c := range cols {
		if c.Open {
			return c
		}
	}
	return nil
}

func (b *binder) visible(f *frame) []string {
	return append(f.scope.names(), namesOf(f.cols)...)
}

func (b *binder) unary(f *frame, x *syntax.Unary) Expr {
	if lit, ok := x.X.(*syntax.Literal); ok && x.Op == "-" && lit.Kind == syntax.LitLong {
		if least, ok := schema.ParseLong("-" + lit.Text); ok { // whose digits alone are one too many for the least long
			return &Const{T: schema.Long, V: least}
		}
	}
	v := b.scalar(f, x.X)
	if c, ok := v.(*Const); ok && x.Op == "-" {
		switch n := c.V.(type) {
		case int64:
			return &Const{T: schema.Long, V: -n}
		case float64:
			return &Const{T: c.T, V: -n}
		case schema.Ticks:
			if c.T == schema.Timespan {
				return &Const{T: c.T, V: -n}
			}
		}
	}
	return b.applyAt(x.Span(), x.Op, b.operator("unary"+x.Op), []Expr{v})
}

func (b *binder) operator(name string) *function.Func {
	f, ok := function.Operator(name)
	if !ok {
		b.fail(diag.Unsupported, diag.Span{}, "", "the operator `%s` is not supported yet", name)
	}
	return f
}

func (b *binder) binary(f *frame, x *syntax.Binary) Expr {
	if e := b.anyColumn(f, x); e != nil {
		return e
	}
	l, r := b.sides(f, x)
	fn, ok := function.Operator(x.Op)
	if !ok {
		b.fail(diag.Unsupported, x.OpSpan, "", "the operator `%s` is not supported yet", x.Op)
	}
	switch x.Op {
	case "==", "!=", "<", "<=", ">", ">=":
		l, r = b.comparable(x, l, r)
	case "=~", "!~":
		if l.Type() != schema.String && l.Type() != schema.Dynamic || r.Type() != schema.String && r.Type() != schema.Dynamic {
			b.mismatch(x, l, r)
		}
	case "+", "-", "*", "/", "%":
		l, r = b.arithmetic(x, l, r)
	}
	return b.applyAt(x.OpSpan, x.Op, fn, []Expr{l, r})
}

// sides binds both operands, so that the errors of both are told.
func (b *binder) sides(f *frame, x *syntax.Binary) (l, r Expr) {
	left := b.attempt(func() { l = b.scalar(f, x.L) })
	right := b.attempt(func() { r = b.scalar(f, x.R) })
	if !left || !right {
		panic(failed{})
	}
	return l, r
}

func (b *binder) mismatch(x *syntax.Binary, l, r Expr) {
	b.fail(diag.Semantic, x.OpSpan, "", "the operator `%s` is not defined for %s and %s", x.Op, l.Type(), r.Type())
}

// arithmetic converts a dynamic operand to the type of the other side, as Kusto does.
func (b *binder) arithmetic(x *syntax.Binary, l, r Expr) (Expr, Expr) {
	lt, rt := l.Type(), r.Type()
	switch {
	case (lt == schema.Dynamic && rt == schema.Timespan || lt == schema.Timespan && rt == schema.Dynamic) && (x.Op == "/" || x.Op == "%"):
		b.mismatch(x, l, r) // the dynamic value may be a number or a timespan, of which the results differ in type
	case lt == schema.Dynamic && rt == schema.Dynamic:
		b.fail(diag.Unsupported, x.OpSpan, "", "arithmetic on two dynamic values is not supported: convert them, with toreal() for example")
	case lt == schema.Dynamic:
		return b.besideInteger(l, arithmeticTarget(x.Op, rt), nil), r
	case rt == schema.Dynamic:
		return l, b.besideInteger(r, arithmeticTarget(x.Op, lt), nil)
	}
	return l, r
}

// besideInteger brings a dynamic value to the type of what stands on the other side of an operator; other is what it is
// compared with, nil where it is not compared with that alone.
func (b *binder) besideInteger(x Expr, t schema.Type, other Expr) Expr {
	out := b.convert(x, t)
	if c, ok := out.(*Convert); ok && t.IsInteger() {
		c.Whole = true
		if other != nil {
			c.Beside = b.widen(other, schema.Long)
		}
	}
	return out
}

func arithmeticTarget(op string, other schema.Type) schema.Type {
	switch {
	case other == schema.Int:
		return schema.Long
	case other == schema.Datetime && op == "-":
		return schema.Datetime
	case other == schema.Datetime:
		return schema.Timespan
	}
	return other
}

// comparable brings both sides of a comparison to one type.
func (b *binder) comparable(x *syntax.Binary, l, r Expr) (Expr, Expr) {
	lt, rt := l.Type(), r.Type()
	ordered := x.Op != "==" && x.Op != "!="
	switch {
	case lt == schema.Dynamic && rt == schema.Dynamic:
		b.fail(diag.Unsupported, x.OpSpan, "", "comparing two dynamic values is not supported: convert one, with tostring() for example")
	case lt == rt && (lt == schema.String || lt == schema.Guid) && ordered:
		b.mismatch(x, l, r)
	case lt == rt:
		return l, r
	case lt == schema.Unknown:
		return b.convert(l, rt), r
	case rt == schema.Unknown:
		return l, b.convert(r, lt)
	case lt.IsNumeric() && rt.IsNumeric():
		t := function.Wider(lt, rt)
		return b.widen(l, t), b.widen(r, t)
	case ordered && (lt == schema.Dynamic && !rt.IsNumeric() || rt == schema.Dynamic && !lt.IsNumeric()): // the analyser's KS106
		b.mismatch(x, l, r)
	case lt == schema.Dynamic:
		return b.besideInteger(l, widestComparable(rt), r), r
	case rt == schema.Dynamic:
		return l, b.besideInteger(r, widestComparable(lt), l)
	case lt == schema.Bool && rt.IsNumeric():
		return b.convert(l, rt), r
	case rt == schema.Bool && lt.IsNumeric():
		return l, b.convert(r, lt)
	case ordered:
		b.mismatch(x, l, r)
	case lt == schema.String:
		return b.convert(l, widestComparable(rt)), r
	case rt == schema.String:
		return l, b.convert(r, widestComparable(lt))
	case lt == schema.Timespan && isZero(r):
		return l, &Const{T: schema.Timespan, V: schema.Ticks(0)}
	case rt == schema.Timespan && isZero(l):
		return &Const{T: schema.Timespan, V: schema.Ticks(0)}, r
	default: // the analyser takes any two types for equal or not
		b.fail(diag.Unsupported, x.OpSpan, "", "comparing %s with %s is not supported: whether they may be equal is not documented, convert one", lt, rt)
	}
	return l, r
}

// isZero reports whether an expression is the number 0, which is also the length of no time.
func isZero(x Expr) bool {
	c, ok := x.(*Const)
	return ok && (c.V == int64(0) || c.V == 0.0)
}

// widestComparable is the type to which text or a dynamic value is read for a comparison with a value of type t.
func widestComparable(t schema.Type) schema.Type {
	if t == schema.Int {
		return schema.Long
	}
	return t
}

// widen converts between numeric types only where SQL would not do it by itself.
func (b *binder) widen(x Expr, t schema.Type) Expr {
	if x.Type() == t {
		return x
	}
	if c, ok := x.(*Const); ok {
		if n, ok := c.V.(int64); ok {
			switch t {
			case schema.Long, schema.Int:
				return &Const{T: t, V: n}
			case schema.Real:
				return &Const{T: t, V: float64(n)}
			}
		}
	}
	if t == schema.Decimal && x.Type() == schema.Real {
		return &Convert{X: x, T: t}
	}
	return &Convert{X: x, T: t}
}

// convert makes the conversion that to*() does, and folds constants where that is trivial.
func (b *binder) convert(x Expr, t schema.Type) Expr {
	if x.Type() == t || t == schema.Unknown {
		return x
	}
	if c, ok := x.(*Const); ok {
		if c.V == nil {
			return null(t)
		}
		if n, ok := c.V.(int64); ok && t == schema.Int && int64(int32(n)) != n {
			return null(t)
		}
		if c.T.IsNumeric() && t.IsNumeric() {
			return b.widen(x, t)
		}
	}
	return &Convert{X: x, T: t}
}

func (b *binder) between(f *frame, x *syntax.Between) Expr {
	args := b.scalars(f, x.X, x.Lo, x.Hi)
	v, lo, hi := args[0], args[1], args[2]
	if fn := b.operator("between"); !accepts(fn, args) {
		b.noOverload(x.Span(), fn.Name, fn, args)
	}
	if v.Type() == schema.Datetime && hi.Type() == schema.Timespan && lo.Type() == schema.Datetime {
		hi = b.inventAt(x.Span(), "+", lo, hi)
	}
	ge := b.compare(x, ">=", v, lo)
	le := b.compare(x, "<=", v, hi)
	and := b.inventAt(x.Span(), "and", ge, le)
	if x.Not {
		return b.inventAt(x.Span(), "not", and)
	}
	return and
}

func (b *binder) compare(x syntax.Expr, op string, l, r Expr) Expr {
	bin := &syntax.Binary{Op: op, OpSpan: x.Span()}
	l, r = b.comparable(bin, l, r)
	return b.applyAt(x.Span(), op, b.operator(op), []Expr{l, r})
}

func (b *binder) member(f *frame, x *syntax.Member) Expr {
	if n, ok := x.X.(*syntax.Name); ok && (n.Name == "$left" || n.Name == "$right") {
		return b.sideColumn(f, n, x.Name)
	}
	if n, ok := x.X.(*syntax.Name); ok && f.states != nil {
		if e := f.states(n, x.Name); e != nil {
			return e
		}
	}
	v := b.scalar(f, x.X)
	return b.path(v, x.X, Step{Key: x.Name.Name})
}

func (b *binder) sideColumn(f *frame, side, name *syntax.Name) Expr {
	cols := f.left
	if side.Name == "$right" {
		cols = f.right
	}
	if cols == nil {
		b.fail(diag.Semantic, side.Span(), "", "%s is allowed in the condition of a join only", side.Name)
	}
	return b.sideOf(cols, side.Name, name)
}

func (b *binder) index(f *frame, x *syntax.Index) Expr {
	v := b.scalar(f, x.X)
	i := b.scalar(f, x.I)
	if c, ok := i.(*Const); ok && c.T == schema.String {
		key, _ := c.V.(string)
		return b.path(v, x.X, Step{Key: key})
	}
	switch i.Type() {
	case schema.Int, schema.Long, schema.String, schema.Dynamic:
	default:
		b.fail(diag.Semantic, x.I.Span(), "", "an index must be a number or a string, this is %s", i.Type())
	}
	if i.Type() == schema.Dynamic {
		i = b.convert(i, schema.String)
	}
	return b.path(v, x.X, Step{Index: i})
}

// path appends a step, or says why the value has none.
func (b *binder) path(v Expr, at syntax.Expr, s Step) Expr {
	switch v.Type() {
	case schema.Dynamic, schema.Unknown:
	case schema.String:
		text := b.src.Text[at.Span().Start:at.Span().End]
		hint := "parse_json(" + text + ")"
		if s.Key != "" && isIdentifier(s.Key) {
			hint += "." + s.Key
		}
		b.fail(diag.Semantic, at.Span(), hint, "%s is a string, which has no properties", text)
	default:
		b.fail(diag.Semantic, at.Span(), "", "a value of type %s has no properties", v.Type())
	}
	if p, ok := v.(*Path); ok {
		return &Path{X: p.X, Steps: append(append([]Step(nil), p.Steps...), s)}
	}
	return &Path{X: v, Steps: []Step{s}}
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func (b *binder) scalarOf(s *Shared) Expr {
	ref := b.ref(s)
	for _, c := range ref.Columns() {
		if !c.Hidden {
			return &Scalar{Ref: ref, C: c}
		}
	}
	return null(schema.Dynamic)
}

func (b *binder) text(at syntax.Expr, v Expr) Expr {
	switch v.Type() {
	case schema.String:
		return v
	case schema.Dynamic, schema.Unknown:
		return b.convert(v, schema.String)
	}
	b.fail(diag.Semantic, at.Span(), "tostring(...)", "a string is expected here, this is %s", v.Type())
	return nil
}
