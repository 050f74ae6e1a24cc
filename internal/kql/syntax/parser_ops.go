package syntax

import (
	"maps"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
)

// leading reads an operator that may begin a query, or returns nil.
func (p *parser) leading() Operator {
	t := p.tok()
	if t.kind != tokName {
		return nil
	}
	next := p.peek(1)
	switch t.text {
	case "print":
		if next.kind == tokPunct && (next.text == "=" || next.text == "|") {
			return nil
		}
	case "range", "union", "search", "find":
		if next.kind == tokPunct && next.text != "(" && next.text != "[" && (next.text != "*" || t.text == "range") {
			return nil
		}
		if t.text == "range" && next.kind != tokName || next.kind == tokEOF {
			return nil
		}
	default:
		return nil
	}
	return p.operator()
}

// operatorReaders are the operators by keyword, aliases among them.
var operatorReaders map[string]func(*parser, token) Operator

func init() {
	operatorReaders = map[string]func(*parser, token) Operator{
		"where":        (*parser).opWhere,
		"extend":       func(p *parser, s token) Operator { return &Extend{Items: p.items(), At: p.since(s)} },
		"project":      func(p *parser, s token) Operator { return &Project{Items: p.items(), At: p.since(s)} },
		"project-away": (*parser).opProjectAway, "project-keep": (*parser).opProjectAway,
		"project-rename":  func(p *parser, s token) Operator { return &ProjectRename{Items: p.items(), At: p.since(s)} },
		"project-reorder": (*parser).opReorder,
		"summarize":       (*parser).opSummarize,
		"join":            (*parser).opJoin, "lookup": (*parser).opJoin,
		"union":       (*parser).opUnion,
		"distinct":    func(p *parser, s token) Operator { p.options(); return &Distinct{Items: p.items(), At: p.since(s)} },
		"sort":        (*parser).opSort,
		"top":         (*parser).opTop,
		"top-hitters": (*parser).opTopHitters, "top-nested": (*parser).opTopNested,
		"take": (*parser).opTake, "sample": (*parser).opTake,
		"sample-distinct": (*parser).opSampleDistinct,
		"count":           (*parser).opCount,
		"mv-expand":       (*parser).opMvExpand, "mv-apply": (*parser).opMvApply,
		"partition": (*parser).opPartition,
		"range":     (*parser).opRange,
		"print":     func(p *parser, s token) Operator { return &Print{Items: p.items(), At: p.since(s)} },
		"as":        (*parser).opAs,
		"serialize": (*parser).opSerialize,
		"render":    (*parser).opRender,
		"parse":     (*parser).opParse, "parse-where": (*parser).opParse,
		"parse-kv":         (*parser).opParseKV,
		"evaluate":         (*parser).opEvaluate,
		"invoke":           (*parser).opInvoke,
		"getschema":        func(p *parser, s token) Operator { return &GetSchema{At: p.since(s)} },
		"make-series":      (*parser).opMakeSeries,
		"search":           (*parser).opSearch,
		"find":             (*parser).opFind,
		"project-by-names": func(p *parser, s token) Operator { return &ProjectByNames{Items: p.items(), At: p.since(s)} },
		"consume":          func(p *parser, s token) Operator { p.options(); return &Consume{At: p.since(s)} },
		"assert-schema":    (*parser).opAssertSchema,
		"scan":             (*parser).opScan,
	}
	for alias, name := range operatorAliases {
		operatorReaders[alias] = operatorReaders[name]
	}
}

// operatorAliases are the second names of operators.
var operatorAliases = map[string]string{"filter": "where", "order": "sort", "limit": "take", "mvexpand": "mv-expand", "mvapply": "mv-apply"}

// OperatorName is an operator of the language as the reference lists it.
type OperatorName struct {
	Name      string
	Aliases   []string
	Supported bool
	Reason    string // why it is not, where there is more to say
}

// Operators lists the operators of the language by name.
func Operators() []OperatorName {
	var out []OperatorName
	for _, name := range slices.Sorted(maps.Keys(operatorReaders)) {
		if operatorAliases[name] != "" {
			continue
		}
		o := OperatorName{Name: name, Supported: true}
		for _, alias := range slices.Sorted(maps.Keys(operatorAliases)) {
			if operatorAliases[alias] == name {
				o.Aliases = append(o.Aliases, alias)
			}
		}
		out = append(out, o)
	}
	for _, name := range slices.Sorted(maps.Keys(otherOperators)) {
		out = append(out, OperatorName{Name: name, Reason: otherOperators[name]})
	}
	return out
}

// otherOperators exist in KQL and are refused by the binder, with the reason where there is more to say.
var otherOperators = map[string]string{
	"execute_and_cache": "", "partition-by": "", "__partitionby": "", "macro-expand": "it spans clusters and databases",
	"fork": "it returns several tables: run each of its branches as a query", "facet": "it returns several tables: run a `summarize count() by` for each column",
	"reduce": "how Kusto groups texts into patterns is not documented", "graph": graphs, "make-graph": graphs,
}

const graphs = "graphs are not supported"

// keyword reads an operator's name, whose words may be joined by dashes.
func (p *parser) keyword() token {
	t := p.tok()
	if t.kind != tokName {
		p.unexpected("an operator")
	}
	p.take()
	for p.is("-") && p.tok().span.Start == t.span.End && p.peek(1).kind == tokName && p.peek(1).span.Start == p.tok().span.End {
		p.take()
		part := p.take()
		t.text += "-" + part.text
		t.span.End = part.span.End
	}
	return t
}

func (p *parser) operator() Operator {
	t := p.keyword()
	if read, ok := operatorReaders[t.text]; ok {
		return read(p, t)
	}
	reason, ok := otherOperators[t.text]
	if strings.HasPrefix(t.text, "graph-") {
		reason, ok = graphs, true
	}
	if ok {
		p.skipTo("|", ";", ")")
		return &Other{Name: t.text, Reason: reason, At: At{Pos: t.span}}
	}
	names := make([]string, 0, len(operatorReaders))
	for name := range operatorReaders {
		names = append(names, name)
	}
	p.fail(t.span, diag.Suggest(t.text, names), "unknown operator `%s`", t.text)
	return nil
}

// items reads a list of named expressions; it may be empty.
func (p *parser) items() []Expr {
	var out []Expr
	for !p.endOfOp() {
		out = append(out, p.namedExpr())
		if !p.accept(",") {
			break
		}
	}
	return out
}

func (p *parser) endOfOp() bool {
	return p.at(tokEOF) || p.is("|") || p.is(";") || p.is(")") || p.is("}")
}

// options reads name=value pairs such as kind=inner, hint.strategy=shuffle and isfuzzy=true.
func (p *parser) options() []Option {
	var out []Option
	for p.at(tokName) && optionNames[p.optionName()] {
		start := p.tok()
		name := p.optionName()
		for range strings.Split(name, ".") {
			p.take()
			p.accept(".")
		}
		p.expect("=")
		out = append(out, Option{Name: strings.ToLower(name), Value: p.optionValue(), At: p.since(start)})
	}
	return out
}

var optionNames = map[string]bool{
	"kind": true, "hint.strategy": true, "hint.shufflekey": true, "hint.num_partitions": true, "hint.remote": true,
	"hint.materialized": true, "hint.spread": true, "hint.concurrency": true, "hint.distribution": true, "hint.pass_filters": true,
	"hint.pass_filters_column": true, "hint.progressive_top": true,
	"withsource": true, "with_source": true, "isfuzzy": true, "with_itemindex": true, "bagexpansion": true, "flags": true,
	"kind_": true, "decodeblocks": true, "with_match_id": true,
}

// optionName looks ahead for `name =` or `a.b =` and returns the name, "" when there is none.
func (p *parser) optionName() string {
	name := p.tok().text
	k := 1
	for p.peek(k).kind == tokPunct && p.peek(k).text == "." && p.peek(k+1).kind == tokName {
		name += "." + p.peek(k+1).text
		k += 2
	}
	if p.peek(k).kind == tokPunct && p.peek(k).text == "=" {
		return name
	}
	return ""
}

func (p *parser) optionValue() Expr {
	if p.is("[") || p.at(tokName) && p.tok().text != "true" && p.tok().text != "false" {
		return p.anyName() // the table of a join may follow in parentheses: this is no call
	}
	return p.primary()
}

func (p *parser) withOptions() []Option {
	p.expect("(")
	var out []Option
	for !p.accept(")") {
		start := p.tok()
		name := p.anyName().Name
		p.expect("=")
		o := Option{Name: strings.ToLower(name), Value: p.expr()}
		for p.accept(",") {
			if p.at(tokName) && p.peek(1).text == "=" || p.is(")") {
				break
			}
			p.expr() // ycolumns=a, b
		}
		o.At = p.since(start)
		out = append(out, o)
	}
	return out
}

func (p *parser) opWhere(start token) Operator {
	w := &Where{Pred: p.expr()}
	w.At = p.since(start)
	return w
}

func (p *parser) opProjectAway(start token) Operator {
	o := &ProjectAway{Keep: start.text == "project-keep"}
	for !p.endOfOp() {
		o.Items = append(o.Items, p.columnPattern())
		if !p.accept(",") {
			break
		}
	}
	o.At = p.since(start)
	return o
}

// columnPattern reads a name or a pattern with stars.
func (p *parser) columnPattern() Expr {
	start := p.tok()
	if p.is("[") {
		return p.anyName()
	}
	if !p.is("*") && !p.at(tokName) {
		p.unexpected("the name of a column")
	}
	p.take()
	next := p.tok()
	if start.text != "*" && !(next.kind == tokPunct && next.text == "*" && next.span.Start == start.span.End) {
		return &Name{Name: start.text, At: p.since(start)}
	}
	return p.wildcardFrom(start, start.text)
}

func (p *parser) opReorder(start token) Operator {
	o := &ProjectReorder{}
	for !p.endOfOp() {
		item := ReorderItem{X: p.columnPattern()}
		if p.at(tokName) {
			item.Order = p.keyword().text
		}
		o.Items = append(o.Items, item)
		if !p.accept(",") {
			break
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opSummarize(start token) Operator {
	o := &Summarize{Options: p.options()}
	for !p.endOfOp() && !p.word("by") {
		o.Aggs = append(o.Aggs, p.namedExpr())
		if !p.accept(",") {
			break
		}
	}
	if p.acceptWord("by") {
		o.By = p.items()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opJoin(start token) Operator {
	o := &Join{Lookup: start.text == "lookup", Options: p.options()}
	o.Right = p.source()
	if p.acceptWord("on") {
		o.On = p.items()
	}
	o.At = p.since(start)
	return o
}

// source reads the table of a join or union: a name, a call or a parenthesised query.
func (p *parser) source() Expr {
	start := p.tok()
	if p.accept("(") {
		x := p.pipe()
		p.expect(")")
		return x
	}
	if p.is("*") {
		p.take()
		return p.wildcardFrom(start, "*")
	}
	return p.postfix()
}

func (p *parser) opUnion(start token) Operator {
	o := &Union{Options: p.options()}
	for !p.endOfOp() {
		o.Tables = append(o.Tables, p.unionSource())
		if !p.accept(",") {
			break
		}
	}
	o.At = p.since(start)
	return o
}

// unionSource reads one of the tables of a union; a name pattern may stand for several.
func (p *parser) unionSource() Expr {
	x := p.source()
	if s, ok := x.(*Star); ok {
		return &Wildcard{At: s.At, Pattern: "*"}
	}
	return x
}

func (p *parser) sortKeys() []SortKey {
	var keys []SortKey
	for !p.endOfOp() {
		k := SortKey{X: p.namedExpr()}
		switch {
		case p.acceptWord("asc"):
			k.Asc = true
		case p.acceptWord("desc"):
		}
		if p.acceptWord("nulls") {
			if !p.word("first") && !p.word("last") {
				p.unexpected("`first` or `last`")
			}
			k.Nulls = p.take().text
		}
		keys = append(keys, k)
		if !p.accept(",") {
			break
		}
	}
	if len(keys) == 0 {
		p.unexpected("an expression to sort by")
	}
	return keys
}

func (p *parser) opSort(start token) Operator {
	p.options()
	p.expectWord("by")
	o := &Sort{Keys: p.sortKeys()}
	o.At = p.since(start)
	return o
}

func (p *parser) opTop(start token) Operator {
	p.options()
	o := &Top{N: p.expr()}
	p.options()
	p.expectWord("by")
	o.Keys = p.sortKeys()
	o.At = p.since(start)
	return o
}

func (p *parser) opTopHitters(start token) Operator {
	o := &TopHitters{N: p.expr()}
	p.expectWord("of")
	o.X = p.namedExpr()
	if p.acceptWord("by") {
		o.By = p.namedExpr()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opTopNested(start token) Operator {
	o := &TopNested{}
	for s := start; ; s = p.keyword() {
		if s.text != "top-nested" {
			p.fail(s.span, "top-nested", "expected `top-nested`")
		}
		o.Levels = append(o.Levels, p.nestedLevel(s))
		if !p.accept(",") {
			break
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) nestedLevel(start token) NestedLevel {
	l := NestedLevel{}
	if !p.word("of") {
		l.N = p.expr()
	}
	p.expectWord("of")
	l.X = p.namedExpr()
	if p.acceptWord("with") {
		p.expectWord("others")
		p.expect("=")
		l.Others = p.expr()
	}
	p.expectWord("by")
	l.By = p.namedExpr()
	if l.Asc = p.acceptWord("asc"); !l.Asc {
		p.acceptWord("desc")
	}
	l.At = p.since(start)
	return l
}

func (p *parser) opAssertSchema(start token) Operator {
	p.expect("(")
	o := &AssertSchema{Columns: p.params(")")}
	o.At = p.since(start)
	return o
}

func (p *parser) opTake(start token) Operator {
	o := &Take{Sample: start.text == "sample", N: p.expr()}
	o.At = p.since(start)
	return o
}

func (p *parser) opSampleDistinct(start token) Operator {
	o := &SampleDistinct{N: p.expr()}
	p.expectWord("of")
	o.X = p.expr()
	o.At = p.since(start)
	return o
}

func (p *parser) opCount(start token) Operator {
	o := &Count{}
	if p.acceptWord("as") {
		o.As = p.anyName()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) mvItems(end string) []MvItem {
	var out []MvItem
	for !p.endOfOp() {
		item := MvItem{X: p.namedExpr()}
		if p.acceptWord("to") {
			item.To = p.typeOf()
		}
		out = append(out, item)
		if !p.accept(",") || p.word(end) {
			break
		}
	}
	return out
}

func (p *parser) opMvExpand(start token) Operator {
	o := &MvExpand{Options: p.options()}
	o.Items = p.mvItems("limit")
	if p.acceptWord("limit") {
		o.Limit = p.expr()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opMvApply(start token) Operator {
	o := &MvApply{Options: p.options()}
	o.Items = p.mvItems("on")
	if p.acceptWord("limit") {
		o.Limit = p.expr()
	}
	p.expectWord("on")
	o.Body = p.body()
	o.At = p.since(start)
	return o
}

// body reads the operators of a subquery in parentheses.
func (p *parser) body() *Pipe {
	p.expect("(")
	start := p.tok()
	out := &Pipe{}
	for !p.is(")") {
		out.Ops = append(out.Ops, p.operator())
		if !p.accept("|") {
			break
		}
	}
	out.At = p.since(start)
	p.expect(")")
	return out
}

func (p *parser) opPartition(start token) Operator {
	o := &Partition{Options: p.options()}
	p.expectWord("by")
	o.Key = p.anyName()
	if !p.is("(") { // the form that names its own source in braces
		p.skipTo("|", ";", ")")
		return &Other{Name: start.text, Reason: "the form with braces is not supported", At: At{Pos: start.span}}
	}
	o.Body = p.body()
	o.At = p.since(start)
	return o
}

func (p *parser) opRange(start token) Operator {
	o := &Range{Name: p.anyName()}
	p.expectWord("from")
	o.From = p.expr()
	p.expectWord("to")
	o.To = p.expr()
	p.expectWord("step")
	o.Step = p.expr()
	o.At = p.since(start)
	return o
}

func (p *parser) opAs(start token) Operator {
	p.options()
	o := &As{Name: p.anyName()}
	o.At = p.since(start)
	return o
}

func (p *parser) opSerialize(start token) Operator {
	p.options()
	o := &Serialize{Items: p.items()}
	o.At = p.since(start)
	return o
}

func (p *parser) opRender(start token) Operator {
	o := &Render{Visualization: p.anyName().Name}
	if p.acceptWord("with") {
		o.Options = p.withOptions()
	} else {
		for p.at(tokName) && p.peek(1).text == "=" { // the old form: render timechart kind=stacked
			s := p.tok()
			name := p.take().text
			p.take()
			o.Options = append(o.Options, Option{Name: strings.ToLower(name), Value: p.expr(), At: p.since(s)})
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opParse(start token) Operator {
	o := &ParseOp{Where: start.text == "parse-where", Options: p.options()}
	o.X = p.expr()
	p.expectWord("with")
	for !p.endOfOp() {
		s := p.tok()
		switch {
		case p.is("*"):
			p.take()
			o.Parts = append(o.Parts, &Star{At: p.since(s)})
		case p.at(tokString):
			p.take()
			o.Parts = append(o.Parts, &Literal{Kind: LitString, Text: s.text, At: p.since(s)})
		default:
			n := p.anyName()
			if p.accept(":") {
				o.Parts = append(o.Parts, &Typed{X: n, Type: p.typeName(), At: p.since(s)})
			} else {
				o.Parts = append(o.Parts, n)
			}
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opParseKV(start token) Operator {
	o := &ParseKV{X: p.expr()}
	p.expectWord("as")
	p.expect("(")
	o.Columns = p.params(")")
	if p.acceptWord("with") {
		o.Options = p.withOptions()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opEvaluate(start token) Operator {
	o := &Evaluate{Options: p.options()}
	s := p.tok()
	o.Call = p.call(s, p.anyName())
	if p.accept(":") {
		schemaAt := p.tok()
		t := &TypeLit{}
		p.expect("(")
		if p.accept("*") {
			t.Star = true
			p.accept(",")
		}
		t.Columns = p.params(")")
		t.At = p.since(schemaAt)
		o.Schema = t
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opInvoke(start token) Operator {
	s := p.tok()
	o := &Invoke{Call: p.call(s, p.anyName())}
	o.At = p.since(start)
	return o
}

func (p *parser) opMakeSeries(start token) Operator {
	o := &MakeSeries{Options: p.options()}
	for !p.endOfOp() && !p.word("on") {
		item := MakeSeriesItem{X: p.namedExpr()}
		if p.acceptWord("default") {
			p.expect("=")
			item.Default = p.expr()
		}
		o.Aggs = append(o.Aggs, item)
		if !p.accept(",") {
			break
		}
	}
	p.expectWord("on")
	o.On = p.namedSum()
	if p.acceptWord("in") { // the old form: in range(from, to, step)
		p.expectWord("range")
		p.expect("(")
		o.Inclusive = true
		o.From = p.expr()
		p.expect(",")
		o.To = p.expr()
		p.expect(",")
		o.Step = p.expr()
		p.expect(")")
	} else {
		if p.acceptWord("from") {
			o.From = p.expr()
		}
		if p.acceptWord("to") {
			o.To = p.expr()
		}
		p.expectWord("step")
		o.Step = p.expr()
	}
	if p.acceptWord("by") {
		o.By = p.items()
	}
	o.At = p.since(start)
	return o
}

func (p *parser) opSearch(start token) Operator {
	o := &Search{Options: p.options()}
	o.Tables = p.inTables()
	o.Pred = p.expr()
	o.At = p.since(start)
	return o
}

// inTables reads `in (T1, T*, (T2 | ...))`, which may be absent.
func (p *parser) inTables() []Expr {
	if !p.acceptWord("in") {
		return nil
	}
	p.expect("(")
	var out []Expr
	for !p.accept(")") {
		out = append(out, p.unionSource())
		if !p.accept(",") && !p.is(")") {
			p.unexpected("`,` or `)`")
		}
	}
	return out
}

func (p *parser) opFind(start token) Operator {
	o := &Find{Options: p.options()}
	o.Tables = p.inTables()
	p.acceptWord("where")
	o.Pred = p.expr()
	if p.at(tokName) && (p.word("project") || p.tok().text == "project_smart") {
		switch t := p.keyword(); t.text {
		case "project-smart", "project_smart":
		case "project":
			o.Project = true
			p.findItems(o)
		default:
			p.fail(t.span, "project-smart", "expected `project` or `project-smart`")
		}
	}
	o.At = p.since(start)
	return o
}

func (p *parser) findItems(o *Find) {
	for !p.endOfOp() {
		start := p.tok()
		name := p.anyName()
		switch {
		case (name.Name == "pack_all" || name.Name == "pack") && p.is("("):
			p.take()
			p.accept("*")
			p.expect(")")
			o.Pack = true
		case p.accept(":"):
			prm := Param{Name: name, Type: p.typeName()}
			prm.At = p.since(start)
			o.Items = append(o.Items, prm)
		default:
			o.Items = append(o.Items, Param{Name: name, At: p.since(start)})
		}
		if !p.accept(",") {
			return
		}
	}
}
