package evidence

import (
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/replaytrace/replaytrace/formats"
)

// Container is how records lie in a file.
type Container string

// The containers.
const (
	CSV    Container = "csv"
	JSON   Container = "json"   // objects, one per line or one after another
	List   Container = "array"  // an array of objects, or several
	Tables Container = "tables" // {"tables":[{"columns":[..],"rows":[..]}]}
)

// Shape is one kind of export, as a file of formats/ describes it.
type Shape struct {
	Name, Title, Source string
	Container           Container
	Priority            int
	Any, All            []string // keys or headers of which one, and all, must be there
	Suffixes            []string // what headers may carry behind a column's name
}

// Shapes loads the shapes of a folder, the highest priority first.
func Shapes(fsys fs.FS) ([]Shape, error) {
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

// DefaultShapes are the shapes that ship with the program.
func DefaultShapes() ([]Shape, error) { return Shapes(formats.FS) }

// Matches reports whether keys, as they stand in a file, are those of the shape.
func (s *Shape) Matches(container Container, keys []string) bool {
	if s.Container != container {
		return false
	}
	have := map[string]bool{}
	for _, k := range keys {
		have[s.Column(k)] = true
	}
	for _, k := range s.All {
		if !have[k] {
			return false
		}
	}
	for _, k := range s.Any {
		if have[k] {
			return true
		}
	}
	return len(s.Any) == 0
}

// Column is the column that a key or header means: suffixes of the shape and of union exports are taken off.
func (s *Shape) Column(key string) string {
	for _, suffix := range s.Suffixes {
		key = strings.TrimSuffix(key, suffix)
	}
	for _, twin := range []string{"_dynamic", "_string"} {
		key = strings.TrimSuffix(key, twin)
	}
	return key
}
