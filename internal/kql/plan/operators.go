package plan

import (
	"cmp"
	"slices"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/function"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// op binds one operator. n is nil for the first operator of a pipe without a source.
func (b *binder) op(sc *scope, n Node, op syntax.Operator) Node {
	if other, ok := op.(*syntax.Other); ok {
		b.refuse(other)
	}
	b.onceOnly(op)
	if out := b.leadingOp(sc, n, op); out != nil {
		return out
	}
	if n == nil {
		b.fail(diag.Unsupported, op.Span(), "", "a query that begins with `%s` is not supported yet", op.Keyword())
	}
	if out := b.graphOp(sc, n, op); out != nil {
		return out
	}
	if out := b.columnOp(sc, n, op); out != nil {
		return out
	}
	switch op := op.(type) {
	case *syntax.Where:
		return b.where(sc, n, op)
	case *syntax.Summarize:
		return b.summarize(sc, n, op)
	case *syntax.Join:
		return b.join(sc, n, op)
	case *syntax.Distinct:
		return b.distinct(sc, n, op)
	case *syntax.Sort:
		return b.sort(sc, n, op.Keys)
	case *syntax.Top:
		sorted := b.sort(sc, n, op.Keys)
		return b.limit(sc, sorted, op.N)
	case *syntax.TopHitters:
		return b.topHitters(sc, n, op)
	case *syntax.TopNested:
		return b.topNested(sc, n, op)
	case *syntax.SampleDistinct:
		return b.sampleDistinct(sc, n, op)
	case *syntax.Take:
		return b.limit(sc, n, op.N)
	case *syntax.Count:
		return b.count(n, op)
	case *syntax.Consume:
		return &Filter{In: n, Pred: &Const{T: schema.Bool, V: false}}
	case *syntax.MvExpand:
		return b.mvExpand(sc, n, op)
	case *syntax.MvApply:
		return b.mvApply(sc, n, op)
	case *syntax.Partition:
		return b.partition(sc, n, op)
	case *syntax.Scan:
		return b.scanRows(sc, n, op)
	case *syntax.MakeSeries:
		return b.makeSeries(sc, n, op)
	case *syntax.Reduce:
		return b.reduce(sc, n, op)
	case *syntax.Render:
		b.visualization = op.Visualization
		return n
	case *syntax.Invoke:
		return b.invoke(sc, n, op)
	}
	b.fail(diag.Unsupported, op.Span(), "", "the operator `%s` is not supported yet", op.Keyword())
	return nil
}

// leadingOp binds an operator that may begin a query, where n is nil; nil for any other.
func (b *binder) leadingOp(sc *scope, n Node, op syntax.Operator) Node {
	switch op := op.(type) {
	case *syntax.Print:
		return b.print(sc, op)
	case *syntax.Range:
		return b.rangeOf(sc, op)
	case *syntax.Union:
		return b.union(sc, n, op)
	case *syntax.Search:
		return b.search(sc, n, op)
	case *syntax.Find:
		return b.find(sc, n, op)
	case *syntax.Evaluate:
		return b.evaluate(sc, n, op)
	}
	return nil
}

// columnOp binds an operator that makes or picks columns, or tells of them; nil for any other.
func (b *binder) columnOp(sc *scope, n Node, op syntax.Operator) Node {
	switch op := op.(type) {
	case *syntax.Extend:
		return b.extend(sc, n, op.Items, true)
	case *syntax.Serialize:
		return b.extend(sc, b.serialize(n), op.Items, false)
	case *syntax.Project:
		return b.project(sc, n, op)
	case *syntax.ProjectAway:
		return b.projectAway(n, op)
	case *syntax.ProjectRename:
		return b.projectRename(n, op)
	case *syntax.ProjectReorder:
		return b.projectReorder(n, op)
	case *syntax.ProjectByNames:
		return b.projectByNames(sc, n, op)
	case *syntax.AssertSchema:
		return b.assertSchema(n, op)
	case *syntax.ParseOp:
		return b.parse(sc, n, op)
	case *syntax.ParseKV:
		return b.parseKV(sc, n, op)
	case *syntax.GetSchema:
		return b.getSchema(n)
	}
	return nil
}

func (b *binder) refuse(op *syntax.Other) {
	reason := ""
	if op.Reason != "" {
		reason = ": " + op.Reason
	}
	b.fail(diag.Unsupported, op.Span(), "", "the operator `%s` is not supported%s", op.Word, reason)
}

// row is the frame of an operator over n.
func (b *binder) row(sc *scope, n Node) *frame {
	return b.made.frames.New(frame{scope: sc, cols: n.Columns(), in: n})
}

// windowRow is row where functions of other rows are allowed.
func (b *binder) windowRow(sc *scope, n Node) *frame {
	f := b.row(sc, n)
	f.windows = b.made.windows.New(windows{in: n})
	return f
}

func (b *binder) where(sc *scope, n Node, op *syntax.Where) Node {
	f := b.windowRow(sc, n)
	pred := b.predicate(f, op.Pred)
	in := f.windows.node(b, n)
	if j, ok := in.(*Join); ok && j.Kind == InnerUniq {
		if filterLeft(j, pred) {
			return j
		}
	}
	return &Filter{base: base{cols: n.Columns(), order: in.Ordering()}, In: in, Pred: pred}
}

// filterLeft puts a condition on the left side of an innerunique join below it, as Kusto's optimizer does: which row
// of a key survives is arbitrary, and documented examples show the one that the filter wants.
// https://learn.microsoft.com/kusto/query/join-innerunique
func filterLeft(j *Join, pred Expr) bool {
	left := j.L.Columns()
	inside := true
	Walk(pred, func(e Expr) {
		if c, ok := e.(*Col); ok && !slices.Contains(left, c.C) {
			inside = false
		}
	})
	if inside {
		j.L = &Filter{base: base{cols: left, order: j.L.Ordering()}, In: j.L, Pred: pred}
	}
	return inside
}

func (b *binder) predicate(f *frame, x syntax.Expr) Expr {
	names, inner := named(x)
	pred := b.scalar(f, inner)
	text := b.src.Text[inner.Span().Start:inner.Span().End]
	switch pred.Type() {
	case schema.Bool:
	case schema.Unknown:
		pred = b.convert(pred, schema.Bool)
	default:
		if len(names) > 0 {
			b.fail(diag.Semantic, x.Span(), names[0].Name+" == "+text, "`=` gives a name here, it does not compare")
		}
		b.fail(diag.Semantic, x.Span(), "tobool("+text+")", "a condition must be bool, this is %s", pred.Type())
	}
	if len(names) > 0 { // Kusto ignores the name, which is never what was meant
		b.note("`=` gives a name in `where %s = ...`, it does not compare: the condition is `%s`; write == to compare", names[0].Name, text)
	}
	return pred
}

func (b *binder) rangeOf(sc *scope, op *syntax.Range) Node {
	f := &frame{scope: sc}
	from, to, step := b.scalar(f, op.From), b.scalar(f, op.To), b.scalar(f, op.Step)
	t := from.Type()
	if t.IsNumeric() && to.Type().IsNumeric() && step.Type().IsNumeric() {
		t = max(schema.Long, function.Wider(t, function.Wider(to.Type(), step.Type())))
	}
	if t == schema.Decimal {
		b.fail(diag.Unsupported, op.Span(), "", "a range of decimals is not supported: convert its bounds and its step with toreal()")
	}
	c := b.column(op.Name.Name, t)
	direction := sign(step)
	if direction == 0 {
		b.fail(diag.Semantic, op.Step.Span(), "", "the step of a range must not be zero")
	}
	s := &Series{base: base{cols: []*Column{c}, order: []Key{{X: &Col{c}, Desc: direction < 0}}}}
	switch {
	case t == schema.Datetime && step.Type() == schema.Timespan && to.Type() == schema.Datetime,
		t == schema.Timespan && step.Type() == schema.Timespan && to.Type() == schema.Timespan:
		s.From, s.To, s.Step = from, to, step
	case t.IsNumeric() && to.Type().IsNumeric() && step.Type().IsNumeric():
		s.From, s.To, s.Step = b.convert(from, t), b.convert(to, t), b.convert(step, t)
	default:
		fn, _ := function.Lookup("range")
		b.noOverload(op.Span(), "range", fn, []Expr{from, to, step})
	}
	return s
}

// sign is the sign of a constant, 1 for anything else.
func sign(x Expr) int {
	c, ok := x.(*Const)
	if !ok {
		return 1
	}
	switch v := c.V.(type) {
	case int64:
		return cmp.Compare(v, 0)
	case float64:
		return cmp.Compare(v, 0)
	case schema.Ticks:
		return cmp.Compare(v, 0)
	}
	return 1
}

func (b *binder) limit(sc *scope, n Node, x syntax.Expr) Node {
	v := b.scalar(&frame{scope: sc}, x)
	if !v.Type().IsNumeric() {
		b.fail(diag.Semantic, x.Span(), "", "a number of rows is expected, this is %s", v.Type())
	}
	v = b.convert(v, schema.Long)
	return &Limit{base: base{cols: n.Columns(), order: n.Ordering()}, In: n, N: v, Per: b.per.columns()}
}

func (b *binder) count(n Node, op *syntax.Count) Node {
	c := b.column("Count", schema.Long)
	if op.As != nil {
		c.Name = op.As.Name
	}
	return b.grouped(&Aggregate{base: base{cols: []*Column{c}}, In: n, Aggs: []Item{{Col: c, X: b.countRows()}}})
}

func (b *binder) sort(sc *scope, n Node, keys []syntax.SortKey) Node {
	f := b.windowRow(sc, n)
	s := &Sort{}
	var extra []Item
	for _, k := range keys {
		_, inner := named(k.X)
		v := b.scalar(f, inner)
		if v.Type() == schema.Dynamic {
			b.fail(diag.Semantic, k.X.Span(), "tostring("+b.src.Text[k.X.Span().Start:k.X.Span().End]+")", "rows cannot be sorted by a dynamic value: convert it first")
		}
		col, ok := v.(*Col)
		if !ok {
			c := b.column("", v.Type())
			c.Hidden = true
			extra = append(extra, Item{Col: c, X: v})
			col = &Col{c}
		}
		s.order = append(s.order, Key{X: col, Desc: !k.Asc, NullsFirst: k.Nulls == "first" || k.Nulls == "" && k.Asc})
	}
	n = f.windows.node(b, n)
	in := n
	s.order = append(s.order, n.Ordering()...) // ties keep the order they came in
	s.cols = n.Columns()
	if len(extra) > 0 {
		cols := append([]*Column(nil), n.Columns()...)
		for _, e := range extra {
			cols = append(cols, e.Col)
		}
		in = &Compute{base: base{cols: cols, order: n.Ordering()}, In: n, Items: extra}
		s.cols = cols
	}
	s.In = in
	return s
}

// reduce binds `reduce`. How it groups texts into patterns is not documented: its examples contradict the paper that it
// refers to.
// https://learn.microsoft.com/kusto/query/reduce-operator
func (b *binder) reduce(sc *scope, n Node, op *syntax.Reduce) Node {
	if t := b.scalar(b.row(sc, n), op.X).Type(); t != schema.String && t != schema.Unknown {
		b.fail(diag.Semantic, op.X.Span(), "", "reduce takes a string, this is %s", t)
	}
	cols := []*Column{b.column("Pattern", schema.String), b.column("Count", schema.Long), b.column("Representative", schema.String)}
	nm := b.newNamer(nil)
	if kind, at := b.option(op.Options, "kind"); at != nil {
		if kind != "source" {
			b.fail(diag.Semantic, at.Span(), "source", "the kind of reduce is source")
		}
		nm = b.newNamer(visibleColumns(n))
		cols = append(slices.Clone(visibleColumns(n)), cols...)
	}
	out := &Compute{base: base{cols: cols}, In: &Filter{base: base{cols: n.Columns()}, In: n, Pred: b.refusal(n.Columns(), "reduce: how Kusto groups texts into patterns is not documented")}}
	for _, c := range cols[len(cols)-3:] {
		c.Name = nm.unique(c.Name)
		out.Items = append(out.Items, Item{Col: c, X: null(c.Type)})
	}
	return out
}

// serialize serializes rows where they stand; those without an order get one that every run repeats.
// https://learn.microsoft.com/kusto/query/serialize-operator
func (b *binder) serialize(n Node) Node {
	if serialized(n) {
		return n
	}
	s := &Sort{base: base{cols: n.Columns()}, In: n}
	for _, k := range n.Ordering() {
		k.Origin = Sorted
		s.order = append(s.order, k)
	}
	if len(s.order) > 0 {
		return s
	}
	for _, c := range n.Columns() {
		if !c.Hidden && !c.Open {
			s.order = append(s.order, Key{X: &Col{c}, NullsFirst: true})
		}
	}
	return s
}

func (b *binder) distinct(sc *scope, n Node, op *syntax.Distinct) Node {
	var in Node
	if len(op.Items) == 1 {
		if _, ok := op.Items[0].(*syntax.Star); ok {
			in = b.keepColumns(n, func(c *Column) bool { return !c.Hidden })
		}
	}
	if in == nil {
		in = b.project(sc, n, &syntax.Project{Head: op.Head, Items: op.Items})
	}
	for i, c := range in.Columns() {
		if c.Type == schema.Dynamic {
			at := op.Span()
			if len(op.Items) == len(in.Columns()) {
				at = op.Items[i].Span()
			}
			b.fail(diag.Semantic, at, "tostring("+c.Name+")", "distinct needs scalars, %s is dynamic: convert it first", c.Name)
		}
	}
	return b.distinctRows(in, in.Columns())
}

// keepColumns passes some columns through.
func (b *binder) keepColumns(n Node, keep func(*Column) bool) Node {
	c := &Compute{In: n}
	for _, col := range n.Columns() {
		if keep(col) {
			c.cols = append(c.cols, col)
		}
	}
	c.order = n.Ordering()
	return c
}

func (b *binder) getSchema(n Node) Node {
	v := &Values{Ordinal: b.column("", schema.Long)}
	v.Ordinal.Hidden = true
	v.order = []Key{{X: &Col{v.Ordinal}, Origin: Written}}
	v.cols = []*Column{
		b.column("ColumnName", schema.String), b.column("ColumnOrdinal", schema.Long),
		b.column("DataType", schema.String), b.column("ColumnType", schema.String),
	}
	i := int64(0)
	for _, c := range n.Columns() {
		if c.Hidden {
			continue
		}
		text := func(s string) Expr { return &Const{T: schema.String, V: s} }
		v.Rows = append(v.Rows, []Expr{text(c.Name), &Const{T: schema.Long, V: i}, text(clrTypes[c.Type]), text(c.Type.String())})
		i++
	}
	return v
}

// clrTypes are the .NET types that getschema names.
// https://learn.microsoft.com/kusto/query/getschema-operator
var clrTypes = map[schema.Type]string{
	schema.Bool: "System.SByte", schema.Int: "System.Int32", schema.Long: "System.Int64", schema.Real: "System.Double",
	schema.Decimal: "System.Data.SqlTypes.SqlDecimal", schema.String: "System.String", schema.Datetime: "System.DateTime",
	schema.Timespan: "System.TimeSpan", schema.Guid: "System.Guid", schema.Dynamic: "System.Object",
}

func (b *binder) invoke(sc *scope, n Node, op *syntax.Invoke) Node {
	v, ok := sc.find(op.Call.Func.Name)
	c, isClosure := v.(*closure)
	if !ok || !isClosure || len(c.lit.Params) == 0 || !c.lit.Params[0].Tabular {
		b.fail(diag.Semantic, op.Span(), "", "invoke needs a function of this query whose first parameter is a table")
	}
	input := &syntax.Name{At: op.Call.Func.At, Name: "$input"}
	inner := sc.with("$input", b.share("input", n))
	return b.callClosure(c, op.Span(), inner, append([]syntax.Expr{input}, op.Call.Args...))
}
