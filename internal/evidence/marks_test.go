package evidence

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestMark: each mark is where its byte is and nowhere else, in both ways to find them.
func TestMark(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b [64]byte
		var want marks
		for i := range b {
			if b[i] = byte(dice.Uint32()); dice.IntN(3) == 0 {
				b[i] = "\"\\\n,{}[]\x02\x7b\xdb\xfb;"[dice.IntN(13)]
			}
			bit := uint64(1) << i
			switch b[i] {
			case '"':
				want.quotes |= bit
			case '\\':
				want.backs |= bit
			case '\n':
				want.lines |= bit
			case ',':
				want.commas |= bit
			case '{', '[':
				want.opens |= bit
			case '}', ']':
				want.closes |= bit
			}
		}
		var got, words marks
		mark(&b, &got)
		markWords(&b, &words)
		if got != want || words != want {
			t.Fatalf("%q: %x, eight at a time %x, want %x", b, got, words, want)
		}
	}
}

// FuzzOutline: what is found 64 bytes at a time is what looking at each byte finds, or is not sure, wherever in the 64 it stands.
func FuzzOutline(f *testing.F) {
	for _, text := range []string{
		`{"a":"b\\\"}{","c":[1,2,{"d":"x\\"}]},{"a":"`, `["a" "b",1]`, `["a"x]`, `[1 "x"]`, `[,1]`, `[1,]`, `[1}`, `[ ]`, `[]`, `[1` + "\n" + `2,3]`,
		`[ 1 , "a,]" , {"b":[1,"]"]} , null ]`, `["a\` + "\n" + `b",2]`, `["a` + "\n" + `b",2]`, `{\"a":1}`, `["\\\\\\",1],["\\\"",2]`, "[1\x01,2]", "[\"a\"\x01,2]",
		`[[1],[2]`, `[{"a":1}{"b":2},1]`, strings.Repeat(`["\"{\\\"",`, 20),
		`a,"b ""q"", c",,"x` + "\n" + `y",` + "\r\n", `"a"b"c,"d",` + "\n", `"""","",""` + "\n", `a"b,"c` + "\n", `"a"` + "\n" + `"b"`, `""""a,"x"` + "\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, before := range []int{0, 1, 30, 61, 62, 63, 64} {
			data := append(append([]byte{'['}, bytes.Repeat([]byte{' '}, before)...), text...)
			for i := range data {
				end, whole, sound := looseLine(data, i, ',')
				if gotEnd, gotWhole, sure := lineEnd(data, i); sure && (gotEnd != end || gotWhole != whole || !sound) {
					t.Fatalf("the line %q at %d ends at %d (%v), want %d (%v, sound %v)", data, i, gotEnd, gotWhole, end, whole, sound)
				}
				if data[i] == '[' || data[i] == '{' {
					checkOutline(t, data, i)
				}
			}
		}
	})
}

func checkOutline(t *testing.T, data []byte, i int) {
	end, whole := looseEnd(data, i)
	if gotEnd, gotWhole, sure := bracketsEnd(data, i); sure && (gotEnd != end || gotWhole != whole) {
		t.Fatalf("%q at %d ends at %d (%v), want %d (%v)", data, i, gotEnd, gotWhole, end, whole)
	}
	if data[i] != '[' {
		return
	}
	gotEnd, cells, gotWhole, sure := rowEnd(data, i, len(data), nil)
	if !sure {
		return
	}
	if gotEnd != end || gotWhole != whole {
		t.Fatalf("the row %q at %d ends at %d (%v), want %d (%v)", data, i, gotEnd, gotWhole, end, whole)
	}
	if !whole {
		return
	}
	sound := splitElements(data[i:end], func(cell []byte) {
		if len(cells) < 2 || !bytes.Equal(data[cells[0]:cells[1]], cell) {
			t.Fatalf("the row %q has the cells %v left where %q is", data[i:end], cells, cell)
		}
		cells = cells[2:]
	})
	if !sound || len(cells) > 0 {
		t.Fatalf("the row %q is sound: %v; cells left: %v", data[i:end], sound, cells)
	}
}

// TestOutlineIsSure: of plain JSON it is, or there would be no gain.
func TestOutlineIsSure(t *testing.T) {
	record := []byte(`{"a":"` + strings.Repeat(`{\"b\":[\"c\\\\\"]},`, 30) + `","d":[{"e":-1.5e3},[],null],` + "\n" + `  "f":"ü"}`)
	if end, whole, sure := bracketsEnd(append(record, `,{"a":1}]`...), 0); end != len(record) || !whole || !sure {
		t.Errorf("ends at %d of %d, whole %v, sure %v", end, len(record), whole, sure)
	}
	row := append(append([]byte(`["x", 1 ,null,`), record...), ']')
	if end, cells, whole, sure := rowEnd(row, 0, 4, nil); end != len(row) || len(cells) != 8 || !whole || !sure {
		t.Errorf("ends at %d of %d, cells %v, whole %v, sure %v", end, len(row), cells, whole, sure)
	}
	line := []byte(`2026,"{""a"":[""b, c""]}",,` + strings.Repeat(`"""d"",",`, 30) + `"",e` + "\r\n" + `f`)
	if end, whole, sure := lineEnd(line, 0); end != len(line)-2 || !whole || !sure {
		t.Errorf("the line ends at %d of %d, whole %v, sure %v", end, len(line), whole, sure)
	}
	if _, _, _, sure := rowEnd(row, 0, 3, nil); sure {
		t.Error("sure of a row that has more cells than columns")
	}
}
