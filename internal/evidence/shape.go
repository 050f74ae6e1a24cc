package evidence

import (
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/formats"
)

// Container is how records lie in a file.
type Container string

// The containers.
const (
	CSV    Container = "csv"
	JSON   Container = "json"   // objects: one per line, one after another, in arrays, or in the pages of an API
	Tables Container = "tables" // columns and rows apart: {"tables":[{"columns":[..],"rows":[..]}]} and Kusto's frames
)

// Shape is one kind of export, as a file of formats/ describes it. Its paths name members of a record: `a.b` is member b
// of a, also where a is a string that holds JSON. Upper and lower case are the same.
type Shape struct {
	Name, Title, Source string
	Container           Container
	// Priority decides where several shapes match.
	Priority int
	Match    Match
	// Pages are the members of an enclosing object of which each is an array of records.
	Pages []string
	// Inside makes the shape a wrap: the members of which one holds the real record, as an object or as its text.
	Inside []string
	// Prefix makes the shape a wrap of lines that begin with other text than the record.
	Prefix bool
	// Nest makes the shape a wrap of rows of a CSV whose headers are the paths of an object's members.
	Nest bool
	// Flat says that tools flatten the shape into a CSV, with paths for headers.
	Flat bool
	// Aliases are other names of headers: those of another language.
	Aliases map[string]string
	// Suffixes are what keys may carry behind a column's name.
	Suffixes []string
	// Snake says that underscores in keys do not count.
	Snake bool
	// Nulls are texts that stand for no value in columns of other types than string.
	Nulls []string
	// Table is how the table of a record is told; the first that knows counts.
	Table []Choice
	// Defaults are the fields of a column that is not in Columns; `*` in their paths is its name.
	Defaults []Field
	// MonthFirst says that the shape's 3/4/2026 is in March, in a CSV where AM or PM stands behind it. Without it the whole
	// file decides, or nothing does.
	MonthFirst bool `yaml:"month_first"`
	// Positions are known header rows, for exports whose headers are in another language.
	Positions [][]string
	// Columns are those of all tables that have them, Tables those of single ones.
	Columns map[string]Field
	Tables  map[string]map[string]Field
}

// Match is what keys a record must have.
type Match struct {
	Any, All, None []string
	Each           [][]string // one of each
	Suffix         string     // with which some key must end
	Endings        []string   // with one of which the file's name must end
}

// Choice is one way to tell a record's table.
type Choice struct {
	// From is a path whose value is a name of a table; `$file` is the file's path, `$rows` the columns of the record,
	// `=Name` the table Name, `$interactive` whether the record says that it is an interactive sign-in.
	From string
	// Map gives names for values that are none.
	Map map[string]string
}

// Field is where the value of a column comes from.
type Field struct {
	First  []Field // the first that has a value
	From   string  // a path
	Pair   string  // of a list of pairs at the path, the Value of the one with this Name; the list is not used up by it
	As     string  // a converter
	Map    map[string]string
	Value  *string          // a constant
	Object map[string]Field // a JSON object of several values
}

// UnmarshalYAML reads a field: a path, `=constant`, a list of alternatives, or a mapping of from, pair, as, map and object.
func (f *Field) UnmarshalYAML(unmarshal func(any) error) error {
	var raw any
	if err := unmarshal(&raw); err != nil {
		return err
	}
	var err error
	*f, err = fieldOf(raw)
	return err
}

func fieldOf(raw any) (f Field, err error) {
	switch raw := raw.(type) {
	case nil:
	case string:
		if value, constant := strings.CutPrefix(raw, "="); constant {
			f.Value = &value
		} else {
			f.From = raw
		}
	case []any:
		for _, one := range raw {
			inner, err := fieldOf(one)
			if err != nil {
				return f, err
			}
			f.First = append(f.First, inner)
		}
	case map[string]any:
		for key, value := range raw {
			if err := f.set(key, value); err != nil {
				return f, err
			}
		}
	default:
		return f, fmt.Errorf("a field is a path, =constant, a list or a mapping, not %v", raw)
	}
	return f, nil
}

func (f *Field) set(key string, value any) error {
	members, isMap := value.(map[string]any)
	text, isText := value.(string)
	switch {
	case key == "from" && isText:
		f.From = text
	case key == "pair" && isText:
		f.Pair = text
	case key == "as" && isText:
		if _, known := converters[text]; !known {
			return fmt.Errorf("no converter %q", text)
		}
		f.As = text
	case key == "map" && isMap:
		f.Map = map[string]string{}
		for from, to := range members {
			f.Map[from] = fmt.Sprint(to)
		}
	case key == "object" && isMap:
		f.Object = map[string]Field{}
		for name, raw := range members {
			inner, err := fieldOf(raw)
			if err != nil {
				return err
			}
			f.Object[name] = inner
		}
	default:
		return fmt.Errorf("a field has no %s like %v", key, value)
	}
	return nil
}

// UnmarshalYAML reads a choice: its path, or a mapping of from and map.
func (c *Choice) UnmarshalYAML(unmarshal func(any) error) error {
	var f Field
	if err := f.UnmarshalYAML(unmarshal); err != nil {
		return err
	}
	c.From, c.Map = f.From, f.Map
	switch {
	case f.Value != nil:
		c.From = "=" + *f.Value
	case c.From == "$interactive":
		c.From, c.Map = "IsInteractive", map[string]string{"true": "SigninLogs", "false": "AADNonInteractiveUserSignInLogs"}
	}
	return nil
}

// Wrap reports whether the shape only holds records of other shapes.
func (s *Shape) Wrap() bool { return s.Prefix || s.Nest || len(s.Inside) > 0 }

// shapesOf loads the shapes of a folder, the highest priority first.
func shapesOf(fsys fs.FS) ([]Shape, error) {
	names, err := fs.Glob(fsys, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list formats: %w", err)
	}
	var out []Shape
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read format %s: %w", name, err)
		}
		var s Shape
		if err := yaml.UnmarshalWithOptions(text, &s, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("read format %s: %w", name, err)
		}
		out = append(out, s)
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Priority != out[j].Priority {
			return out[i].Priority > out[j].Priority
		}
		return out[i].Name < out[j].Name
	})
	return out, nil
}

// DefaultShapes are the shapes that ship with the program. All callers share them: they are not to be changed.
var DefaultShapes = sync.OnceValues(func() ([]Shape, error) { return shapesOf(formats.FS) })

// keySet are the folded paths of a record or the headers of a CSV.
type keySet struct {
	names map[string]bool
	snake map[string]bool // without underscores, once a shape has asked for them so
}

func newKeySet() *keySet { return &keySet{names: map[string]bool{}} }

// of are the keys as a shape writes them.
func (k *keySet) of(s *Shape) map[string]bool {
	if !s.Snake {
		return k.names
	}
	if k.snake == nil {
		k.snake = map[string]bool{}
		for name := range k.names {
			k.snake[fold(name, true)] = true
		}
	}
	return k.snake
}

// matches reports whether keys are those of the shape.
func (s *Shape) matches(container Container, keys *keySet) bool {
	if s.Container != container {
		return false
	}
	have := keys.of(s)
	has := func(k string) bool { return have[s.fold(k)] }
	if s.Match.Suffix != "" {
		found := false
		for k := range keys.names {
			found = found || strings.HasSuffix(k, fold(s.Match.Suffix, false))
		}
		if !found {
			return false
		}
	}
	for _, k := range s.Match.All {
		if !has(k) {
			return false
		}
	}
	if slices.ContainsFunc(s.Match.None, has) {
		return false
	}
	for _, group := range s.Match.Each {
		if !slices.ContainsFunc(group, has) {
			return false
		}
	}
	return len(s.Match.Any) == 0 || slices.ContainsFunc(s.Match.Any, has)
}

// fold makes keys comparable: upper and lower case are the same, blanks at the ends or in a row do not count.
func (s *Shape) fold(key string) string {
	key = fold(key, s.Snake)
	for _, suffix := range s.Suffixes {
		key = strings.TrimSuffix(key, fold(suffix, s.Snake))
	}
	return key
}

// isKey reports whether a name is a key, which is folded. Most names are told from it by their first letter.
func isKey(name []byte, key string) bool {
	if len(name) < len(key) || len(key) > 0 && name[0] > ' ' && name[0]|0x20 != key[0]|0x20 {
		return false
	}
	return fold(string(name), false) == key
}

func fold(key string, snake bool) string {
	lead := strings.HasPrefix(key, " ") // a suffix such as " [UTC]" keeps its blank
	var room [maxName]byte
	b := room[:0]
	blank := false
	for i := range len(key) {
		c := key[i]
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			blank = true
			continue
		case c == '_' && snake:
			continue
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		if blank && (len(b) > 0 || lead) {
			b = append(b, ' ')
		}
		blank = false
		b = append(b, c)
	}
	return string(b)
}
