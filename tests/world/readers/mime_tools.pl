# What MIME::Parser (MIME-tools) sees in messages, a line of JSON for each: its tree, and its leaves with their decoded
# octets.
#
# usage: perl mime_tools.pl FILE...
use strict;
use warnings;
use JSON::PP;
use MIME::Base64;
use MIME::Parser;

my $json = JSON::PP->new->ascii->canonical;

sub walk {
    my ($part, $leaves) = @_;
    my $name = lc $part->effective_type;
    my @parts = $part->parts;
    return "$name(" . join(' ', map { walk($_, $leaves) } @parts) . ')' if @parts;
    my $octets = $part->bodyhandle ? $part->bodyhandle->as_string : '';
    push @$leaves, [$name, scalar $part->head->mime_attr('content-type.charset'), encode_base64($octets, '')];
    return $name;
}

for my $path (@ARGV) {
    open my $file, '<:raw', $path or die "$path: $!";
    my $octets = do { local $/; <$file> };
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    my ($leaves, $tree) = ([], '');
    my $entity = eval { $parser->parse_data($octets) };
    $tree = walk($entity, $leaves) if $entity;
    print $json->encode({file => $path, tree => $tree, leaves => $leaves}), "\n";
}
