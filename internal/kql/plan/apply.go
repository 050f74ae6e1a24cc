package plan

import (
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

func (b *binder) apply(at diag.Span, fn *function.Func, args []Expr) Expr {
	return b.applyAt(at, strings.Fields(fn.Name)[0], fn, args)
}

// applyAt chooses the overload that fits the arguments best and converts them.
func (b *binder) applyAt(at diag.Span, name string, fn *function.Func, args []Expr) Expr {
	best, score := -1, 0
	for i, s := range fn.Overloads() {
		if got := fit(s, args); got > score {
			best, score = i, got
		}
	}
	if best < 0 {
		b.noOverload(at, name, fn, args)
	}
	sig := fn.Overloads()[best]
	out := b.made.applies.New(Apply{At: at, Func: fn, Overload: best, Args: b.made.exprs.List(args)})
	common, _ := shared(sig, args)
	for i, a := range args {
		p := sig.Param(i, len(args))
		target := p.Target(a.Type())
		if p.Accepts.Shares() {
			target = common
		}
		if p.Constant {
			if _, ok := a.(*Const); !ok {
				b.fail(diag.Unsupported, at, "", "argument %d of %s must be a constant", i+1, name)
			}
		}
		if p.Accepts.Shares() && a.Type() == schema.Dynamic {
			out.Args[i] = b.besideInteger(a, target, nil)
			continue
		}
		out.Args[i] = b.convert(a, target)
	}
	out.T = resultType(sig, out.Args, common)
	if v, ok := foldedCall(out); ok {
		return b.made.constants.New(Const{T: out.T, V: v})
	}
	return out
}

// foldedCall is the value of a call that can be computed now.
func foldedCall(call *Apply) (schema.Value, bool) {
	if !call.Func.Folds {
		return nil, false
	}
	values := make([]schema.Value, len(call.Args))
	for i, a := range call.Args {
		c, ok := a.(*Const)
		if !ok {
			return nil, false
		}
		values[i] = c.V
	}
	return call.Func.Fold(values)
}

// accepts reports whether some overload takes the arguments.
func accepts(fn *function.Func, args []Expr) bool {
	return slices.ContainsFunc(fn.Overloads(), func(s function.Signature) bool { return fit(s, args) > 0 })
}

// fit scores a signature: 0 when it does not accept the arguments.
func fit(s function.Signature, args []Expr) int {
	if !s.Fits(len(args)) {
		return 0
	}
	score := 1
	for i, a := range args {
		got := s.Param(i, len(args)).Accept(a.Type())
		if got == 0 {
			return 0
		}
		score += got * 100 / len(args)
	}
	if _, ok := shared(s, args); !ok {
		return 0
	}
	return score
}

// shared is the type to which those arguments are brought that must have one; false where there is none.
func shared(s function.Signature, args []Expr) (t schema.Type, ok bool) {
	for i, a := range args {
		if c := s.Param(i, len(args)).Accepts; c.Shares() {
			if t, ok = c.Unify(t, a.Type()); !ok {
				return t, false
			}
		}
	}
	return t, true
}

func resultType(s function.Signature, args []Expr, common schema.Type) schema.Type {
	switch s.Result.Rule {
	case function.First, function.Promoted:
		if len(args) == 0 {
			return schema.Unknown
		}
		t := args[0].Type()
		if s.Result.Rule == function.Promoted && t == schema.Int {
			return schema.Long
		}
		return t
	case function.Widest:
		t := schema.Unknown
		for _, a := range args {
			if a.Type().IsNumeric() {
				t = function.Wider(t, a.Type())
			}
		}
		return t
	case function.Shared:
		return common
	case function.Fixed:
	}
	return s.Result.Type
}

// noOverload refuses a call whose arguments fit no overload.
func (b *binder) noOverload(at diag.Span, name string, fn *function.Func, args []Expr) {
	types := make([]string, len(args))
	for i, a := range args {
		types[i] = a.Type().String()
	}
	unknown := slices.ContainsFunc(fn.Refused(), func(s function.Signature) bool { return fit(s, args) > 0 })
	const why = "is not supported: what it means is not documented"
	if _, isOperator := function.Operator(name); isOperator && len(args) == 2 {
		if unknown {
			b.fail(diag.Unsupported, at, "", "the operator `%s` of %s and %s %s", name, types[0], types[1], why)
		}
		b.fail(diag.Semantic, at, "", "the operator `%s` is not defined for %s and %s", name, types[0], types[1])
	}
	out := diag.Diagnostic{Kind: diag.Semantic, Span: at, Message: name + "(" + strings.Join(types, ", ") + ") is not defined"}
	if unknown {
		out.Kind, out.Message = diag.Unsupported, name+"("+strings.Join(types, ", ")+") "+why
	}
	wants := make([]string, 0, len(fn.Overloads()))
	for _, s := range fn.Overloads() {
		wants = append(wants, "("+strings.TrimSpace(s.Text)+")")
	}
	out.Notes = append([]string{"it takes " + strings.Join(wants, " or ")}, classNotes(fn, len(args))...)
	if slices.ContainsFunc(args, func(a Expr) bool { return a.Type() == schema.Dynamic }) {
		out.Notes = append(out.Notes, "a dynamic value must be cast, with toreal(), tolong() or todatetime() for example")
	}
	b.list.Add(out)
	panic(failed{})
}

// classNotes say what the classes are that the signatures name that take so many arguments: of those the types are at fault.
func classNotes(fn *function.Func, n int) (notes []string) {
	for _, s := range fn.Overloads() {
		if !s.Fits(n) {
			continue
		}
		for _, p := range s.Params {
			if p.Accepts == function.Exact {
				continue
			}
			if note := p.Accepts.Name() + ": " + p.Accepts.String(); !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return notes
}

// call binds a function call: the special forms first, then user functions, then the function table.
func (b *binder) call(f *frame, x *syntax.Call) Expr {
	name := x.Func.Name
	if v, ok := f.scope.find(name); ok {
		if c, ok := v.(*closure); ok {
			return b.callScalar(f, x, c)
		}
		if _, ok := v.(broken); ok {
			panic(failed{})
		}
	}
	if f.match != nil {
		if v := b.matchCall(f, x); v != nil {
			return v
		}
	}
	if special, ok := specials[name]; ok {
		return special(b, f, x)
	}
	if _, ok := several[name]; ok {
		return b.sole(f, x)
	}
	return b.plainCall(f, x)
}

// plainCall binds the call of a function of the table.
func (b *binder) plainCall(f *frame, x *syntax.Call) Expr {
	name := x.Func.Name
	fn, ok := function.Lookup(name)
	if !ok {
		b.unknownFunction(x)
	}
	if n := len(x.Args); fn.Typed > 0 && (n == fn.Typed || n > fn.Typed && fn.One != "") {
		return b.typedCall(f, x, fn)
	}
	if fn.Scalar != "" && f.aggs == nil {
		fn, _ = function.Operator(fn.Scalar)
	}
	switch {
	case fn.Aggregate && f.aggs == nil:
		b.fail(diag.Semantic, x.Func.Span(), "", "%s is an aggregate: it is allowed in summarize only", name)
	case fn.Drawn && !f.perRow():
		b.fail(diag.Unsupported, x.Func.Span(), "", "%s is supported in print and for each row of extend, project, where, sort and summarize only", name)
	case fn.Window && !f.perRow():
		b.fail(diag.Semantic, x.Func.Span(), "", "%s needs serialized rows and is allowed for each row of extend, serialize, project, where, sort and summarize after sort", name)
	case fn.Aggregate:
		return b.aggregate(f, x, fn)
	}
	args := b.starred(f, x, fn)
	if fn.Window {
		return f.windows.call(b, x, fn, args)
	}
	return b.applyAt(x.Func.Span(), name, fn, args)
}

// starred binds the arguments of a call, among which a * may stand for all columns.
func (b *binder) starred(f *frame, x *syntax.Call, fn *function.Func) []Expr {
	var out []Expr
	for _, a := range x.Args {
		if _, star := a.(*syntax.Star); !star || !fn.Star {
			continue
		}
		if len(x.Args) > 1 {
			b.fail(diag.Semantic, a.Span(), "", "`*` is the only argument where it stands for all columns")
		}
		for _, c := range f.cols {
			if !c.Hidden {
				out = append(out, b.col(c))
			}
		}
		return out
	}
	return b.scalars(f, x.Args...)
}

func (b *binder) unknownFunction(x *syntax.Call) {
	name := x.Func.Name
	if why := whyNot[name]; why != "" {
		b.fail(diag.Unsupported, x.Func.Span(), "", "the function %s is not supported: %s", name, why)
	}
	b.refuseParser(x.Func)
	if known[name] {
		b.fail(diag.Unsupported, x.Func.Span(), "", "the function %s is not supported yet", name)
	}
	names := function.Names()
	for n := range specials {
		names = append(names, n)
	}
	b.fail(diag.Semantic, x.Func.Span(), suggest(name, names), "unknown function %s", name)
}

// specials are the calls whose arguments are not plain scalars.
var specials map[string]func(*binder, *frame, *syntax.Call) Expr

func init() {
	specials = map[string]func(*binder, *frame, *syntax.Call) Expr{
		"$refuse": (*binder).callRefuse, "now": (*binder).callNow, "ago": (*binder).callAgo, "toscalar": (*binder).callToscalar,
		"column_ifexists": (*binder).callColumnIfExists, "columnifexists": (*binder).callColumnIfExists,
		"todynamic": (*binder).callParseJSON, "toobject": (*binder).callParseJSON, "parse_json": (*binder).callParseJSON, "parsejson": (*binder).callParseJSON,
		"bag_pack_columns": (*binder).callPackColumns, "pack_all": (*binder).callPackAll, "gettype": (*binder).callGetType, "column_names_of": (*binder).callColumnNames, "bin_auto": (*binder).callBinAuto,
		"tostring": to(schema.String), "tolong": to(schema.Long), "toint": to(schema.Int), "toreal": to(schema.Real),
		"todouble": to(schema.Real), "tobool": to(schema.Bool), "toboolean": to(schema.Bool),
		"todatetime": to(schema.Datetime), "totimespan": to(schema.Timespan), "totime": to(schema.Timespan), "toguid": toFrom(function.Text, schema.Guid),
		"todecimal": to(schema.Decimal), "int": to(schema.Int), "long": to(schema.Long), "real": to(schema.Real),
		"double": to(schema.Real), "bool": to(schema.Bool), "datetime": (*binder).callDatetime, "timespan": to(schema.Timespan),
		"time": to(schema.Timespan), "guid": to(schema.Guid), "decimal": to(schema.Decimal),
	}
}

func to(t schema.Type) func(*binder, *frame, *syntax.Call) Expr { return toFrom(function.Any, t) }

// toFrom is a conversion of a class of types only.
func toFrom(from function.Class, t schema.Type) func(*binder, *frame, *syntax.Call) Expr {
	return func(b *binder, f *frame, x *syntax.Call) Expr {
		b.arity(x, 1, 1)
		v := b.scalar(f, x.Args[0])
		b.takes(x, v, from)
		if !convertible(v.Type(), t) {
			b.fail(diag.Unsupported, x.Args[0].Span(), "", "converting %s to %s is not supported: what it yields is not documented", v.Type(), t)
		}
		return b.convert(v, t)
	}
}

// convertible is what the to*() functions accept; everything can become text and everything can come out of it.
func convertible(from, to schema.Type) bool {
	switch {
	case from == to, to == schema.String, from == schema.String, from == schema.Dynamic, from == schema.Unknown:
		return true
	case to == schema.Dynamic:
		return true
	case from == schema.Guid && to.IsNumeric(): // never successful
		return true
	case from.IsNumeric() || from == schema.Bool:
		return to.IsNumeric() || to == schema.Bool || to == schema.Timespan && from.IsInteger() || to == schema.Datetime && (from.IsInteger() || from == schema.Real)
	case from == schema.Datetime || from == schema.Timespan:
		return to == schema.Long || to == schema.Datetime || to == schema.Timespan || to == schema.Real
	}
	return false
}

func (b *binder) arity(x *syntax.Call, least, most int) {
	if n := len(x.Args); n < least || n > most {
		b.fail(diag.Semantic, x.Span(), "", "%s takes %s, here are %d", x.Func.Name, plural(least, most), n)
	}
}

func (b *binder) callNow(f *frame, x *syntax.Call) Expr {
	b.arity(x, 0, 1)
	now := &Const{T: schema.Datetime, V: b.opt.Now}
	if len(x.Args) == 0 {
		return now
	}
	return b.applyAt(x.Span(), "+", b.operator("+"), []Expr{now, b.length(f, x)})
}

// callDatetime binds datetime(x); datetime() is the current time.
// https://learn.microsoft.com/kusto/query/scalar-data-types/datetime#datetime-literals
func (b *binder) callDatetime(f *frame, x *syntax.Call) Expr {
	if len(x.Args) == 0 {
		return b.callNow(f, x)
	}
	return to(schema.Datetime)(b, f, x)
}

func (b *binder) callAgo(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	span := b.length(f, x)
	if c, ok := span.(*Const); ok && c.T == schema.Timespan {
		if t, ok := c.V.(schema.Ticks); ok {
			return &Const{T: schema.Datetime, V: b.opt.Now - t}
		}
	}
	return b.applyAt(x.Span(), "-", b.operator("-"), []Expr{&Const{T: schema.Datetime, V: b.opt.Now}, span})
}

// length binds the only argument of a function, which is a length of time.
func (b *binder) length(f *frame, x *syntax.Call) Expr {
	span := b.scalar(f, x.Args[0])
	if t := span.Type(); t != schema.Timespan && t != schema.Unknown {
		b.fail(diag.Semantic, x.Args[0].Span(), "", "%s takes a timespan, this is %s", x.Func.Name, t)
	}
	return b.convert(span, schema.Timespan)
}

// callToscalar binds toscalar(x). One place in one scope is one value, however often a function is called that holds it.
func (b *binder) callToscalar(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	arg := x.Args[0]
	if !b.isTabular(f.scope, arg) {
		if !draws(f.scope, arg) {
			return b.scalar(f, arg)
		}
		// What is drawn by lot is drawn once for all rows: it is the cell of a table of its own.
		arg = &syntax.Pipe{At: syntax.At{Pos: arg.Span()}, Ops: []syntax.Operator{&syntax.Print{Items: []syntax.Expr{arg}}}}
	}
	at := place{x, f.scope}
	if v := b.cells[at]; v != nil && b.per == nil {
		return v
	}
	n := b.tabular(f.scope, arg)
	one := &Limit{base: base{cols: n.Columns(), order: n.Ordering()}, In: n, N: &Const{T: schema.Long, V: int64(1)}}
	v := b.scalarOf(b.share("scalar", one))
	if b.per == nil {
		b.cells[at] = v
	}
	return v
}

// place is a call where it stands: within the scope in which it is bound.
type place struct {
	call  *syntax.Call
	scope *scope
}

func (b *binder) callColumnIfExists(f *frame, x *syntax.Call) Expr {
	b.arity(x, 2, 2)
	name, ok := columnNamed(f, x.Args[0])
	if !ok {
		b.fail(diag.Semantic, x.Args[0].Span(), "", "column_ifexists takes the column's name as a constant string")
	}
	if c := findColumn(f.cols, name); c != nil {
		return &Col{c}
	}
	return b.scalar(f, x.Args[1])
}

func (b *binder) callParseJSON(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	v := b.scalar(f, x.Args[0])
	b.takes(x, v, function.Text)
	if v.Type() != schema.String {
		return b.convert(v, schema.Dynamic)
	}
	return b.apply(x.Span(), b.operator("parse_json"), []Expr{v})
}

// takes refuses a first argument that is not of a class of types.
func (b *binder) takes(x *syntax.Call, v Expr, c function.Class) {
	if p := (function.Param{Accepts: c}); p.Accept(v.Type()) == 0 {
		b.fail(diag.Semantic, x.Args[0].Span(), "", "%s takes %s, this is %s", x.Func.Name, c, v.Type())
	}
}

// typedCall binds a function whose last argument names the type of the result.
func (b *binder) typedCall(f *frame, x *syntax.Call, fn *function.Func) Expr {
	last := x.Args[len(x.Args)-1]
	lit, ok := last.(*syntax.TypeLit)
	switch {
	case !ok && fn.One != "": // one more value
		return b.applyAt(x.Func.Span(), x.Func.Name, fn, b.scalars(f, x.Args...))
	case !ok:
		b.fail(diag.Semantic, last.Span(), "typeof(long)", "argument %d of %s is a type", fn.Typed, x.Func.Name)
	}
	t, ok := schema.ParseType(lit.Type)
	if !ok {
		b.fail(diag.Semantic, lit.Span(), "", "unknown type %s", lit.Type)
	}
	args := b.scalars(f, x.Args[:len(x.Args)-1]...)
	if fn.One != "" {
		if len(x.Args) > fn.Typed || args[fn.Typed-2].Type() == schema.Dynamic {
			return b.applyAt(x.Func.Span(), x.Func.Name, fn, args) // an array, whose elements have a type of their own
		}
		fn, _ = function.Lookup(fn.One)
	}
	return b.convert(b.applyAt(x.Func.Span(), x.Func.Name, fn, args), t)
}

func (b *binder) callPackColumns(f *frame, x *syntax.Call) Expr {
	var args []Expr
	packed := map[string]string{} // the columns by the properties that they become
	for _, a := range x.Args {
		names, inner := named(a)
		n, ok := inner.(*syntax.Name)
		if !ok || len(names) > 1 {
			b.fail(diag.Semantic, a.Span(), "", "%s takes names of columns", x.Func.Name)
		}
		key := n.Name
		if len(names) == 1 {
			key = names[0].Name
		}
		if packed[key] == n.Name {
			continue // it is the same property again
		}
		packed[key] = n.Name
		args = append(args, &Const{T: schema.String, V: key}, b.name(f, n))
	}
	return b.inventAt(x.Span(), "bag_pack", args...)
}

func (b *binder) callPackAll(f *frame, x *syntax.Call) Expr {
	b.arity(x, 0, 1)
	var args []Expr
	for _, c := range f.cols {
		if !c.Hidden {
			args = append(args, &Const{T: schema.String, V: c.Name}, &Col{c})
		}
	}
	all := b.inventAt(x.Span(), "bag_pack", args...)
	if len(x.Args) == 0 {
		return all
	}
	compact, ok := b.scalar(f, x.Args[0]).(*Const)
	if !ok {
		b.fail(diag.Unsupported, x.Args[0].Span(), "", "the argument of pack_all must be a constant")
	}
	if compact.V == true {
		return b.invent("bag_compact", all)
	}
	return all
}

// binAuto begins the names of the request options that bin_auto() reads.
const binAuto = "query_bin_auto_"

// callBinAuto binds bin_auto(), which has its bins from `set`.
func (b *binder) callBinAuto(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	size := b.settings[binAuto+"size"]
	if size == nil {
		b.fail(diag.Semantic, x.Span(), "set query_bin_auto_size=1h;", "bin_auto needs the size of its bins")
	}
	args := []Expr{b.scalar(f, x.Args[0]), size}
	name := "bin"
	if at := b.settings[binAuto+"at"]; at != nil {
		name, args = "bin_at", append(args, at)
	}
	return b.inventAt(x.Func.Span(), name, args...)
}

// callColumnNames binds column_names_of(), the names of a table's columns.
func (b *binder) callColumnNames(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	var names []Expr
	for _, c := range b.tabular(f.scope, x.Args[0]).Columns() {
		if !c.Hidden {
			names = append(names, &Const{T: schema.String, V: c.Name})
		}
	}
	return b.invent("pack_array", names...)
}

// callRefuse binds $refuse('what: why'), which the queries of plugins use.
func (b *binder) callRefuse(f *frame, x *syntax.Call) Expr {
	if !b.inTemplate {
		b.unknownFunction(x)
	}
	what, _ := x.Args[0].(*syntax.Literal)
	return b.refusal(f.cols, what.Text)
}

// refusal is a condition that no row meets: it fails at one, because Kusto's answer is not known.
func (b *binder) refusal(cols []*Column, what string) Expr {
	row := null(schema.Long)
	if len(cols) > 0 {
		row = &Col{cols[0]} // an error that reads no column comes before there is a row
	}
	return b.invent("refuse", &Const{T: schema.String, V: function.Refused(what).Error()}, row)
}

func (b *binder) callGetType(f *frame, x *syntax.Call) Expr {
	b.arity(x, 1, 1)
	v := b.scalar(f, x.Args[0])
	if v.Type() == schema.Dynamic {
		fn, _ := function.Operator("gettype")
		return b.apply(x.Span(), fn, []Expr{v})
	}
	return &Const{T: schema.String, V: v.Type().String()}
}
