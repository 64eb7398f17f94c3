# What Email::MIME sees in messages, a line of JSON for each: its tree, and its leaves with their decoded octets.
#
# usage: perl email_mime.pl FILE...
use strict;
use warnings;
use Email::MIME;
use JSON::PP;
use MIME::Base64;

my $json = JSON::PP->new->ascii->canonical;

sub walk {
    my ($part, $leaves) = @_;
    my ($name) = lc($part->content_type // 'text/plain') =~ m{^\s*([^\s;]+)};
    $name //= 'text/plain';
    my @parts = $part->subparts;
    return "$name(" . join(' ', map { walk($_, $leaves) } @parts) . ')' if @parts;
    my ($charset) = lc($part->content_type // '') =~ m{charset\s*=\s*"?([^\s;"]+)};
    push @$leaves, [$name, $charset, encode_base64($part->body, '')];
    return $name;
}

for my $path (@ARGV) {
    open my $file, '<:raw', $path or die "$path: $!";
    my $octets = do { local $/; <$file> };
    my ($leaves, $tree) = ([], '');
    my $message = eval { Email::MIME->new($octets) };
    $tree = eval { walk($message, $leaves) } // '' if $message;
    print $json->encode({file => $path, tree => $tree, leaves => $leaves}), "\n";
}
