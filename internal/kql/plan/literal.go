package plan

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/replaytrace/replaytrace/internal/diag"
	"github.com/replaytrace/replaytrace/internal/kql/schema"
	"github.com/replaytrace/replaytrace/internal/kql/syntax"
)

func (b *binder) literal(x *syntax.Literal) Expr {
	t, v, ok := literalValue(x)
	if !ok {
		b.fail(diag.Semantic, x.Span(), "", "%q is not a %s", x.Text, t)
	}
	if x.Kind == syntax.LitDynamic {
		if key, twice := keyTwice(x.Text); twice {
			b.fail(diag.Unsupported, x.Span(), "", "the key %q is given twice in one bag: which value Kusto keeps is not documented", key)
		}
	}
	return b.made.constants.New(Const{T: t, V: v})
}

func literalValue(x *syntax.Literal) (t schema.Type, v schema.Value, ok bool) {
	switch x.Kind {
	case syntax.LitString:
		return schema.String, x.Text, true
	case syntax.LitLong:
		n, ok := schema.ParseLong(x.Text)
		return schema.Long, n, ok
	case syntax.LitInt:
		n, ok := schema.ParseLong(x.Text)
		return schema.Int, n, ok && n >= -1<<31 && n < 1<<31
	case syntax.LitReal:
		f, ok := schema.ParseReal(x.Text)
		return schema.Real, f, ok
	case syntax.LitDecimal:
		d, ok := schema.ParseDecimal(x.Text)
		return schema.Decimal, d, ok
	case syntax.LitBool:
		return schema.Bool, strings.EqualFold(x.Text, "true") || x.Text == "1", true
	case syntax.LitDatetime:
		d, ok := schema.ParseDatetime(x.Text)
		return schema.Datetime, d, ok
	case syntax.LitTimespan:
		d, ok := schema.ParseTimespan(x.Text)
		return schema.Timespan, d, ok
	case syntax.LitGuid:
		g, ok := schema.ParseGuid(x.Text)
		return schema.Guid, g, ok
	case syntax.LitDynamic:
		if x.Text == "null" {
			return schema.Dynamic, nil, true
		}
		return schema.Dynamic, json.RawMessage(x.Text), json.Valid([]byte(x.Text))
	case syntax.LitNull:
		t, ok := schema.ParseType(x.Text)
		if t == schema.String {
			return t, "", ok
		}
		return t, nil, ok
	}
	return schema.Unknown, nil, false
}

// keyTwice finds a key that stands twice in one bag of a JSON text.
func keyTwice(text string) (key string, twice bool) {
	if strings.Count(text, ":") < 2 { // as most lists and small bags
		return "", false
	}
	var bags []map[string]bool // the keys of the bags around the token, nil for an array
	named := false             // the next token is the value of a key
	for tokens := json.NewDecoder(strings.NewReader(text)); ; {
		token, err := tokens.Token()
		if err != nil {
			return "", false
		}
		switch token {
		case json.Delim('{'):
			bags, named = append(bags, map[string]bool{}), false
			continue
		case json.Delim('['):
			bags, named = append(bags, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			bags, named = bags[:len(bags)-1], false
			continue
		}
		if len(bags) == 0 || bags[len(bags)-1] == nil || named {
			named = false
			continue
		}
		key, _ = token.(string)
		if bags[len(bags)-1][key] {
			return key, true
		}
		bags[len(bags)-1][key], named = true, true
	}
}

func plural(least, most int) string {
	noun := "arguments"
	if most == 1 {
		noun = "argument"
	}
	if least == most {
		return fmt.Sprintf("%d %s", least, noun)
	}
	return fmt.Sprintf("%d to %d %s", least, most, noun)
}

// suggest returns the candidate that is nearest to word, "" when none is near.
func suggest(word string, candidates []string) string {
	return diag.Suggest(word, candidates)
}
