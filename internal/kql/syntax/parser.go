package syntax

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/slab"
)

// maxErrors and maxNesting bound what one text may cost.
const (
	maxErrors  = 20
	maxNesting = 300
)

func syntaxError(at diag.Span, suggestion, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{Kind: diag.Syntax, Span: at, Message: fmt.Sprintf(format, args...), Suggestion: suggestion}
}

// Parse reads a text. The script holds what could be read; the list is empty when all could.
func Parse(src *diag.Source) (*Script, *diag.List) {
	list := &diag.List{Source: src}
	if len(src.Text) > math.MaxInt32 {
		list.Add(syntaxError(diag.Span{}, "", "the query is longer than 2 GiB"))
		return &Script{Partial: true}, list
	}
	p := &parser{src: src, list: list, lexer: lexer{src: src.Text, list: list}}
	p.toks = append(make([]token, 0, 256), p.lexer.next())
	script := &Script{}
	for p.forget(); !p.at(tokEOF) && len(list.Items) < maxErrors; p.forget() {
		if p.accept(";") {
			continue
		}
		whole := p.recoverTo(func() {
			if st := p.statement(); st != nil {
				script.Statements = append(script.Statements, st)
			}
			if !p.at(tokEOF) && !p.is(";") {
				p.misspelled(script)
				p.unexpected("`|`, `;` or the end of the query")
			}
		}, ";")
		script.Partial = script.Partial || !whole
	}
	script.Pos = diag.Span{Start: 0, End: diag.Pos(len(src.Text))}
	if len(list.Items) > maxErrors {
		list.Items = list.Items[:maxErrors]
	}
	return script, list
}

// leadingWords are the operators that a query may begin with, and the words of statements.
var leadingWords = []string{"print", "range", "union", "search", "find", "datatable", "let", "set", "declare"}

// misspelled fails at a statement of one name with something behind it, when the name is nearly a word that may stand
// there.
func (p *parser) misspelled(script *Script) {
	if len(script.Statements) == 0 {
		return
	}
	st, ok := script.Statements[len(script.Statements)-1].(*ExprStatement)
	if !ok {
		return
	}
	n, ok := st.X.(*Name)
	if !ok {
		return
	}
	if word := diag.Suggest(n.Name, leadingWords); word != "" {
		p.fail(n.Span(), word, "no statement begins with `%s`", n.Name)
	}
}

type parser struct {
	src   *diag.Source
	list  *diag.List
	lexer lexer
	toks  []token // of the statement in hand, as far as they have been looked at: the next one at least
	i     int     // where the next one is
	depth int
	nodes nodes
}

// nodes are those of which a text has many.
type nodes struct {
	names    slab.Of[Name]
	named    slab.Of[named]
	literals slab.Of[Literal]
	binaries slab.Of[Binary]
	calls    slab.Of[Call]
	pipes    slab.Of[Pipe]
}

// stop is thrown at a syntax error and caught where the parser can go on.
type stop struct{}

// recoverTo runs f; after an error, which makes it false, it skips to the given punctuation at the same bracket depth.
func (p *parser) recoverTo(f func(), marks ...string) (whole bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(stop); !ok {
				panic(r)
			}
			p.skipTo(marks...)
		}
	}()
	f()
	return true
}

func (p *parser) skipTo(marks ...string) {
	depth := 0
	for !p.at(tokEOF) {
		for _, m := range marks {
			if depth <= 0 && p.is(m) {
				return
			}
		}
		switch {
		case p.is("(") || p.is("[") || p.is("{"):
			depth++
		case p.is(")") || p.is("]") || p.is("}"):
			depth--
		}
		p.advance()
	}
}

// forget lets go of the tokens that have been taken, once they are more than those that were looked at beyond.
func (p *parser) forget() {
	if rest := len(p.toks) - p.i; p.i > rest {
		p.toks, p.i = slices.Delete(p.toks, 0, p.i), 0
	}
}

// tok is the next token. It stays what it is until forget is called, as those that peek and take return.
func (p *parser) tok() *token { return &p.toks[p.i] }

// advance goes to the next token. The last is never passed.
func (p *parser) advance() {
	if p.i++; p.i == len(p.toks) {
		p.toks = append(p.toks, p.lexer.next())
	}
}

// peek is the n-th token behind the next one.
func (p *parser) peek(n int) *token {
	if p.i+n < len(p.toks) {
		return &p.toks[p.i+n]
	}
	return p.ahead(n)
}

// ahead is peek beyond the tokens at hand.
func (p *parser) ahead(n int) *token {
	for p.i+n >= len(p.toks) {
		if last := &p.toks[len(p.toks)-1]; last.kind == tokEOF {
			return last
		}
		p.toks = append(p.toks, p.lexer.next())
	}
	return &p.toks[p.i+n]
}

func (p *parser) at(k tokenKind) bool { return p.tok().kind == k }

// is reports whether the next token is that punctuation.
func (p *parser) is(text string) bool {
	t := p.tok()
	return t.kind == tokPunct && t.text == text
}

// word reports whether the next token is that name.
func (p *parser) word(text string) bool {
	t := p.tok()
	return t.kind == tokName && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) acceptWord(text string) bool {
	if p.word(text) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) take() *token {
	t := p.tok()
	if t.kind != tokEOF {
		p.advance()
	}
	return t
}

func (p *parser) expect(text string) *token {
	if !p.is(text) {
		p.unexpected("`" + text + "`")
	}
	return p.take()
}

func (p *parser) expectWord(text string) {
	if !p.acceptWord(text) {
		p.unexpected("`" + text + "`")
	}
}

func (p *parser) unexpected(want string) {
	t := p.tok()
	found := "the end of the query"
	if t.kind != tokEOF {
		found = "`" + p.src.Text[t.span.Start:t.span.End] + "`"
	}
	if len(found) > 60 {
		found = found[:57] + "...`"
	}
	p.fail(t.span, "", "expected %s, found %s", want, found)
}

func (p *parser) fail(at diag.Span, suggestion, format string, args ...any) {
	p.list.Add(syntaxError(at, suggestion, format, args...))
	panic(stop{})
}

// refuse stops at what Kusto would read.
func (p *parser) refuse(at *token, message string) {
	p.list.Add(diag.Diagnostic{Kind: diag.Unsupported, Span: at.span, Message: message})
	panic(stop{})
}

// enter bounds the nesting; the caller defers leave.
func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.tok().span, "", "the query is nested too deeply")
	}
}

func (p *parser) leave() { p.depth-- }

// since is the span from a token's begin to the last token read.
func (p *parser) since(start *token) At {
	end := start.span.End
	if p.i > 0 {
		end = max(end, p.toks[p.i-1].span.End)
	}
	return At{Pos: diag.Span{Start: start.span.Start, End: end}}
}

// RefusedStatements begin statements that a query over one case has no use for, with the reason.
var RefusedStatements = map[string]string{
	"alias":    "a query reads the case only",
	"restrict": "a query sees all of the case",
}

func (p *parser) statement() Statement {
	start := p.tok()
	switch {
	case p.word("let") && p.peek(1).kind != tokPunct || p.word("let") && p.peek(1).text == "[":
		return p.let()
	case p.word("set") && p.peek(1).kind == tokName:
		p.take()
		st := &Set{Name: p.take().text}
		if p.accept("=") {
			st.Value = p.expr()
		}
		st.At = p.since(start)
		return st
	case p.word("declare"):
		return p.declare()
	case p.is(".") && p.peek(1).kind == tokName:
		p.refuse(start, "management commands are not supported: ask a query")
	case RefusedStatements[start.text] != "" && start.kind == tokName && p.peek(1).kind == tokName:
		p.refuse(start, "the statement `"+start.text+"` is not supported: "+RefusedStatements[start.text])
	}
	x := p.pipe()
	return &ExprStatement{At: p.since(start), X: x}
}

func (p *parser) let() Statement {
	start := p.take()
	st := &Let{Name: p.newName()}
	p.expect("=")
	if f := p.funcLit(); f != nil {
		st.Value = f
	} else {
		st.Value = p.pipe()
	}
	st.At = p.since(start)
	return st
}

func (p *parser) declare() Statement {
	start := p.take()
	if p.acceptWord("pattern") {
		return p.pattern(start)
	}
	if !p.acceptWord("query_parameters") {
		p.refuse(start, "only `declare query_parameters` and `declare pattern` are supported")
	}
	p.expect("(")
	st := &DeclareParams{Params: p.params(")")}
	st.At = p.since(start)
	return st
}

// pattern reads `declare pattern` behind these words.
func (p *parser) pattern(start *token) Statement {
	st := &DeclarePattern{Name: p.anyName()}
	if p.accept("=") {
		p.expect("(")
		p.params(")")
		if p.accept("[") {
			p.params("]")
		}
		p.expect("{")
		for !p.accept("}") {
			st.Cases = append(st.Cases, p.patternCase())
			p.accept(";")
		}
	}
	st.At = p.since(start)
	return st
}

func (p *parser) patternCase() PatternCase {
	var c PatternCase
	p.expect("(")
	for !p.accept(")") {
		c.Args = append(c.Args, p.text())
		p.accept(",")
	}
	if p.accept(".") {
		p.expect("[")
		c.Path = p.text()
		p.expect("]")
	}
	p.expect("=")
	p.expect("{")
	c.Body = p.pipe()
	p.accept(";")
	p.expect("}")
	return c
}

// text reads a string literal.
func (p *parser) text() string {
	if !p.at(tokString) {
		p.unexpected("a string")
	}
	return p.take().text
}

// funcLit reads `(params) { body }` and `view () { body }`, or returns nil without reading anything.
func (p *parser) funcLit() *FuncLit {
	start := p.tok()
	from := p.i
	view := p.word("view") && p.peek(1).text == "("
	if view {
		p.take()
	}
	if !p.is("(") || !p.bodyFollows() {
		p.i = from
		return nil
	}
	p.take()
	f := &FuncLit{View: view, Params: p.params(")")}
	p.expect("{")
	for {
		for p.accept(";") {
		}
		if p.word("let") || p.word("declare") || p.word("set") && p.peek(1).kind == tokName {
			f.Lets = append(f.Lets, p.statement())
			p.expect(";")
			continue
		}
		break
	}
	if !p.is("}") {
		f.Body = p.pipe()
	}
	for p.accept(";") {
	}
	p.expect("}")
	f.At = p.since(start)
	if f.Body == nil {
		p.fail(f.Span(), "", "this function has no body")
	}
	return f
}

// bodyFollows looks ahead for `( ... ) {`.
func (p *parser) bodyFollows() bool {
	depth := 0
	for k := 0; p.peek(k).kind != tokEOF; k++ {
		t := p.peek(k)
		if t.kind != tokPunct {
			continue
		}
		switch t.text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				next := p.peek(k + 1)
				return next.kind == tokPunct && next.text == "{"
			}
		case ";", "|":
			return false
		}
	}
	return false
}

// params reads declared parameters or columns up to the closing mark, which it takes.
func (p *parser) params(end string) []Param {
	return rows(p, end, func() Param {
		start := p.tok()
		prm := Param{Name: p.newName()}
		p.expect(":")
		if p.accept("(") {
			prm.Tabular = true
			p.tableParam(&prm)
		} else {
			prm.Type = p.typeName()
		}
		if p.accept("=") {
			prm.Default = p.expr()
		}
		prm.At = p.since(start)
		return prm
	})
}

func (p *parser) tableParam(prm *Param) {
	for !p.accept(")") {
		if p.accept("*") {
			prm.AnyColumns = true
		} else {
			start := p.tok()
			c := Param{Name: p.newName()}
			p.expect(":")
			c.Type = p.typeName()
			c.At = p.since(start)
			prm.Columns = append(prm.Columns, c)
		}
		if !p.accept(",") && !p.is(")") {
			p.unexpected("`,` or `)`")
		}
	}
}

func (p *parser) typeName() string {
	if !p.at(tokName) {
		p.unexpected("the name of a type")
	}
	return strings.ToLower(p.take().text)
}

// anyName reads a name where nothing else can stand: a keyword is a name too, and so is ['odd one'].
func (p *parser) anyName() *Name {
	start := p.tok()
	if p.is("[") && p.peek(1).kind == tokString && p.peek(2).text == "]" {
		p.take()
		text := p.take().text
		p.take()
		return p.nodes.names.New(Name{At: p.since(start), Name: text})
	}
	if start.kind != tokName {
		p.unexpected("a name")
	}
	p.take()
	return p.nodes.names.New(Name{At: p.since(start), Name: start.text})
}
