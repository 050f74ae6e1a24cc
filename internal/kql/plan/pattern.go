package plan

import (
	"slices"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

// declaredPattern is a pattern with the scope that it was written in.
type declaredPattern struct {
	cases []syntax.PatternCase
	scope *scope
}

// patternCall finds the pattern that p("a"), p("a").b or p("a").["b"] invokes; nil for any other expression.
func patternCall(sc *scope, x syntax.Expr) (p *declaredPattern, call *syntax.Call, path string) {
	switch m := x.(type) {
	case *syntax.Member:
		x, path = m.X, m.Name.Name
	case *syntax.Index:
		if text, ok := m.I.(*syntax.Literal); ok && text.Kind == syntax.LitString {
			x, path = m.X, text.Text
		}
	}
	call, ok := x.(*syntax.Call)
	if !ok {
		return nil, nil, ""
	}
	v, _ := sc.find(call.Func.Name)
	p, _ = v.(*declaredPattern)
	return p, call, path
}

// invokePattern binds what a pattern maps its arguments to.
// https://learn.microsoft.com/kusto/query/pattern-statement
func (b *binder) invokePattern(sc *scope, p *declaredPattern, call *syntax.Call, path string) Node {
	var args []string
	for _, a := range call.Args {
		c, ok := b.scalar(&frame{scope: sc}, a).(*Const)
		if !ok || c.T != schema.String {
			b.fail(diag.Semantic, a.Span(), "", "a pattern takes constant strings")
		}
		text, _ := c.V.(string)
		args = append(args, text)
	}
	for _, c := range p.cases {
		if slices.Equal(c.Args, args) && c.Path == path {
			if b.depth++; b.depth > maxDepth {
				b.fail(diag.Semantic, call.Span(), "", "the pattern %s invokes itself", call.Func.Name)
			}
			defer func() { b.depth-- }()
			return b.tabular(p.scope, c.Body)
		}
	}
	reference := call.Func.Name + "('" + strings.Join(args, "', '") + "')"
	if path != "" {
		reference += ".['" + path + "']"
	}
	b.fail(diag.Semantic, call.Span(), "", "the pattern has no %s", reference)
	return nil
}
